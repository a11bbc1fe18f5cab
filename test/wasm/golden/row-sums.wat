;; test: 1 kernels, 70 words
(module
  (import "lvmc" "memory" (memory 1 1 shared))
  ;; k0: sum of x over columns
  ;; 6 groups, 1000000000 FLOP, 1000000000 bytes
  (func $kernel_0 (export "kernel_0") (param $from i32) (param $to i32)
    (local $group i32) (local $i_3 i32) (local $byte:0 i32) (local $i_4 i32) (local $byte:1 i32) (local $byte:2 i32) (local $rest_2 f32)
    (local $lanes_1 v128) (local $v128:0 v128)
    (local.set $group (local.get $from))
    (if (i32.lt_s (local.get $group) (local.get $to))
      (then
        (loop $groups
          (local.set $lanes_1 (v128.const f32x4 0 0 0 0))
          (local.set $rest_2 (f32.const 0))
          (local.set $i_3 (i32.const 0))
          (local.set $byte:0 (i32.mul (local.get $group) (i32.const 40)))
          (loop $each_i_3
            (local.set $lanes_1 (f32x4.add (local.get $lanes_1) (v128.load offset=16 (local.get $byte:0))))
            (local.set $byte:0 (i32.add (local.get $byte:0) (i32.const 16)))
            (br_if $each_i_3 (i32.lt_s (local.tee $i_3 (i32.add (local.get $i_3) (i32.const 4))) (i32.const 8))))
          (local.set $i_4 (i32.const 8))
          (local.set $byte:1 (i32.add (i32.mul (local.get $group) (i32.const 40)) (i32.const 32)))
          (loop $each_i_4
            (local.set $rest_2 (f32.add (local.get $rest_2) (f32.load offset=16 (local.get $byte:1))))
            (local.set $byte:1 (i32.add (local.get $byte:1) (i32.const 4)))
            (br_if $each_i_4 (i32.lt_s (local.tee $i_4 (i32.add (local.get $i_4) (i32.const 1))) (i32.const 10))))
          (local.set $byte:2 (i32.shl (local.get $group) (i32.const 2)))
          (f32.store offset=256
            (local.get $byte:2)
            (f32.add
              (f32x4.extract_lane 0
                (f32x4.add
                  (local.tee $v128:0
                    (f32x4.add
                      (local.get $lanes_1)
                      (i8x16.shuffle 8 9 10 11 12 13 14 15 8 9 10 11 12 13 14 15 (local.get $lanes_1) (local.get $lanes_1))))
                  (i8x16.shuffle 4 5 6 7 4 5 6 7 4 5 6 7 4 5 6 7 (local.get $v128:0) (local.get $v128:0))))
              (local.get $rest_2)))
          (br_if $groups (i32.lt_s (local.tee $group (i32.add (local.get $group) (i32.const 1))) (local.get $to)))))))
  (func $run (export "run") (param $steps i32)
    (if (i32.gt_s (local.get $steps) (i32.const 0))
      (then
        (loop $again
          (call $kernel_0 (i32.const 0) (i32.const 6))
          (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
          (br_if $again (local.tee $steps (i32.sub (local.get $steps) (i32.const 1))))))))
)
