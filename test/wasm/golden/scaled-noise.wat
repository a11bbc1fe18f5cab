;; test: 1 kernels, 47 words
(module
  (import "lvmc" "memory" (memory 1 1 shared))
  (func $function_half (param $x f32) (result f32) (f32.mul (local.get $x) (f32.const 0.5)))
  ;; k0: table[hash(i)] where it is positive, else half of it
  ;; 1 group, 1000000000 FLOP, 1000000000 bytes
  (func $kernel_0 (export "kernel_0") (param $from i32) (param $to i32)
    (local $group i32) (local $i_2 i32) (local $mixed_3 i32) (local $byte:0 i32) (local $value_4 f32) (local $mixed_0 v128)
    (local $v128:0 v128) (local $value_1 v128)
    (local.set $group (local.get $from))
    (if (i32.lt_s (local.get $group) (local.get $to))
      (then
        (loop $groups
          (local.set $mixed_0
            (v128.xor
              (i32x4.mul (v128.const i32x4 0 1 2 3) (v128.const i32x4 2654435761 2654435761 2654435761 2654435761))
              (v128.load32_splat offset=4 (i32.const 0))))
          (local.set $value_1
            (v128.load32_lane offset=32 3
              (i32x4.extract_lane 3
                (local.tee $v128:0
                  (i32x4.shl (v128.and (i32x4.shr_u (local.get $mixed_0) (i32.const 7)) (v128.const i32x4 31 31 31 31)) (i32.const 2))))
              (v128.load32_lane offset=32 2
                (i32x4.extract_lane 2 (local.get $v128:0))
                (v128.load32_lane offset=32 1
                  (i32x4.extract_lane 1 (local.get $v128:0))
                  (v128.load32_zero offset=32 (i32x4.extract_lane 0 (local.get $v128:0)))))))
          (v128.store offset=160
            (i32.const 0)
            (v128.bitselect
              (f32x4.min (local.get $value_1) (v128.const f32x4 3 3 3 3))
              (f32x4.mul (local.get $value_1) (v128.const f32x4 0.5 0.5 0.5 0.5))
              (f32x4.gt (local.get $value_1) (v128.const f32x4 0 0 0 0))))
          (local.set $i_2 (i32.const 4))
          (local.set $byte:0 (i32.const 16))
          (loop $each_i_2
            (local.set $mixed_3 (i32.xor (i32.mul (local.get $i_2) (i32.const 2654435761)) (i32.load offset=4 (i32.const 0))))
            (local.set $value_4
              (f32.load offset=32 (i32.shl (i32.rem_u (i32.shr_u (local.get $mixed_3) (i32.const 7)) (i32.const 32)) (i32.const 2))))
            (f32.store offset=160
              (local.get $byte:0)
              (if (result f32) (f32.gt (local.get $value_4) (f32.const 0))
                (then (f32.min (local.get $value_4) (f32.const 3)))
                (else (call $function_half (local.get $value_4)))))
            (local.set $byte:0 (i32.add (local.get $byte:0) (i32.const 4)))
            (br_if $each_i_2 (i32.lt_s (local.tee $i_2 (i32.add (local.get $i_2) (i32.const 1))) (i32.const 7))))
          (br_if $groups (i32.lt_s (local.tee $group (i32.add (local.get $group) (i32.const 1))) (local.get $to)))))))
  (func $run (export "run") (param $steps i32)
    (if (i32.gt_s (local.get $steps) (i32.const 0))
      (then
        (loop $again
          (call $kernel_0 (i32.const 0) (i32.const 1))
          (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
          (br_if $again (local.tee $steps (i32.sub (local.get $steps) (i32.const 1))))))))
)
