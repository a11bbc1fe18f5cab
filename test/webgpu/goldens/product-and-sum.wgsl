// C = A B
// models/vae.lvm:2, models/vae.lvm:1
@group(0) @binding(0) var<storage, read_write> arena: array<u32, 712>;
@group(0) @binding(1) var<uniform> launch: vec4<u32>;
var<workgroup> own: array<u32, 16>;

// min or max with a constant, which takes the place of floats in a range.
fn bounded(x: f32, bound: f32, low: u32, span: u32) -> f32 { return select(x, bound, (bitcast<u32>(x) - low) <= span); }
@compute @workgroup_size(16)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) invocation: u32) {
  let lane = i32(invocation);
  let group = i32(workgroup.x);
  let row_0 = (group * 32i);
  var sum_1: f32 = 0f;
  for (var at_2 = 0i; at_2 < 32i; at_2 += 16i) {
    own[lane] = arena[((row_0 + at_2) + 4i) + lane];
    workgroupBarrier();
    for (var i_3 = 0i; i_3 < 16i; i_3 += 1i) {
      sum_1 = fma(bitcast<f32>(own[i_3]), bitcast<f32>(arena[(((at_2 + i_3) * 16i) + 132i) + lane]), sum_1);
    }
    workgroupBarrier();
  }
  arena[((group * 16i) + 644i) + lane] = bitcast<u32>(bounded(sum_1, 0f, 0x80000000u, 0x7f800000u));
}

// sum of C over columns, where it is a number
// models/vae.lvm:2, models/vae.lvm:1
@group(0) @binding(0) var<storage, read_write> arena: array<u32, 712>;
@group(0) @binding(1) var<uniform> launch: vec4<u32>;
var<workgroup> tree: array<u32, 16>;

// Ordered as the floats are; both zeros are 0.
fn place(x: f32) -> i32 { let s = bitcast<i32>(x); return select(s, i32(-2147483648) - s, s < 0i); }
fn is_nan(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }
fn equal(a: f32, b: f32) -> bool { return (place(a) == place(b)) & !is_nan(a); }
// Keeps a product or sum as it was rounded: nobody knows that launch.y is 0, so it cannot be fused or reordered.
fn exact(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) ^ launch.y); }
fn add_lanes_f32(value: f32, lane: i32) -> f32 {
  tree[lane] = bitcast<u32>(value);
  workgroupBarrier();
  for (var half = 8i; half > 0i; half >>= 1u) {
    if (lane < half) { tree[lane] = bitcast<u32>(bitcast<f32>(tree[lane]) + bitcast<f32>(tree[lane + half])); }
    workgroupBarrier();
  }
  return bitcast<f32>(workgroupUniformLoad(&tree[0]));
}
fn uniform_word(value: u32, lane: i32) -> u32 {
  if (lane == 0i) { tree[0] = value; }
  return workgroupUniformLoad(&tree[0]);
}
fn function_half_f(x_: f32) -> f32 {
  return (x_ * 0.5f);
}
@compute @workgroup_size(16)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) invocation: u32) {
  let lane = i32(invocation);
  let group = i32(workgroup.x);
  let value_0 = bitcast<f32>(arena[((group * 16i) + 644i) + lane]);
  let part0 = (uniform_word(select(0u, 1u, (bitcast<i32>((arena[0] + launch.x)) < 5i)), lane) != 0u);
  if (part0) {
    let part1 = bitcast<u32>(function_half_f(add_lanes_f32(select(0f, (exact((value_0 * 3f)) + 1f), equal(value_0, value_0)), lane)));
    if (lane == 0i) { arena[(group + 708i)] = part1; }
  }
}
