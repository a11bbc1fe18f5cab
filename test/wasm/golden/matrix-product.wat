;; test: 1 kernels, 96 words
(module
  (import "lvmc" "memory" (memory 1 1 shared))
  ;; k0: C = A B
  ;; 4 groups, models/vae.lvm:1, 2, 1000000000 FLOP, 1000000000 bytes
  (func $kernel_0 (export "kernel_0") (param $from i32) (param $to i32)
    (local $group i32) (local $k_4 i32) (local $byte:0 i32) (local $byte:1 i32) (local $byte:2 i32) (local $sum_2 v128) (local $sum_3 v128)
    (local $a_5 v128)
    (local.set $group (local.get $from))
    (if (i32.lt_s (local.get $group) (local.get $to))
      (then
        (loop $groups
          (local.set $sum_2 (v128.const f32x4 0 0 0 0))
          (local.set $sum_3 (v128.const f32x4 0 0 0 0))
          (local.set $k_4 (i32.const 0))
          (local.set $byte:0 (i32.mul (local.get $group) (i32.const 20)))
          (local.set $byte:1 (i32.const 0))
          (loop $each_k_4
            (local.set $a_5 (v128.load32_splat offset=16 (local.get $byte:0)))
            (local.set $sum_2 (f32x4.relaxed_madd (local.get $a_5) (v128.load offset=96 (local.get $byte:1)) (local.get $sum_2)))
            (local.set $sum_3 (f32x4.relaxed_madd (local.get $a_5) (v128.load offset=112 (local.get $byte:1)) (local.get $sum_3)))
            (local.set $byte:0 (i32.add (local.get $byte:0) (i32.const 4)))
            (local.set $byte:1 (i32.add (local.get $byte:1) (i32.const 32)))
            (br_if $each_k_4 (i32.lt_s (local.tee $k_4 (i32.add (local.get $k_4) (i32.const 1))) (i32.const 5))))
          (local.set $byte:2 (i32.mul (local.get $group) (i32.const 32)))
          (v128.store offset=256 (local.get $byte:2) (local.get $sum_2))
          (v128.store offset=272 (local.get $byte:2) (local.get $sum_3))
          (br_if $groups (i32.lt_s (local.tee $group (i32.add (local.get $group) (i32.const 1))) (local.get $to)))))))
  (func $run (export "run") (param $steps i32)
    (if (i32.gt_s (local.get $steps) (i32.const 0))
      (then
        (loop $again
          (call $kernel_0 (i32.const 0) (i32.const 4))
          (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
          (br_if $again (local.tee $steps (i32.sub (local.get $steps) (i32.const 1))))))))
)
