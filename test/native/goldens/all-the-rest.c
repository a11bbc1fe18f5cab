// ---- The program.

#define WORDS 512

static float function_halves(word *m, float local_x);

static float function_halves(word *m, float local_x) {
  int count_0 = 0;
  float rest_1 = local_x;
  for (int i_2 = 0; i_2 < 24; i_2++) {
    if (rest_1 > 1.0f) {
      rest_1 = rest_1 * 0.5f;
      count_0 = add_i(count_0, 1);
    }
  }
  return (float)count_0;
}

// softmax of logits, row by row
// models/θ.lvm:2
static void kernel_softplus_bits(word *m, int first, int end, const int *indices) {
  for (int group = first; group < end; group++) {
    const int base_0 = mul_i(group, 16);
    vf largest_1 = splat_vf(-__builtin_inff());
    for (int i_2 = 0; i_2 < 16; i_2 += 4) {
      largest_1 = max_vf(largest_1, VF((base_0 + i_2) + 16));
    }
    const float top_3 = max_lanes_vf(largest_1);
    for (int i_4 = 0; i_4 < 12; i_4 += 4) {
      const vf each_5 = VF((base_0 + i_4) + 16) - splat_vf(top_3);
      const vu bits_6 = ((vu)each_5) ^ (((vu)each_5) >> splat_vu(13u));
      const vi small_7 = (each_5 < splat_vf(-3.5f)) & (~(bits_6 == splat_vu(7u)));
      VF((base_0 + i_4) + 128) = select_vf(small_7, at_least_vf(each_5, splat_vf(0.0f)), sqrt_vf(abs_vf(each_5)));
      VI((base_0 + i_4) + 256) = -small_7;
    }
    for (int i_8 = 12; i_8 < 15; i_8++) {
      const float each_9 = F((base_0 + i_8) + 16) - top_3;
      const uint bits_10 = bits_f(each_9) ^ (bits_f(each_9) >> 13u);
      const int small_11 = (each_9 < (-3.5f)) & (!(bits_10 == 7u));
      F((base_0 + i_8) + 128) = small_11 ? at_least_f(each_9, 0.0f) : __builtin_sqrtf(__builtin_fabsf(each_9));
      I((base_0 + i_8) + 256) = small_11;
    }
    if (top_3 < 0.0f) {
      F(group + 400) = function_halves(m, -top_3);
    } else {
      F(group + 400) = (float)int_of_f(top_3);
    }
    VI((group * 4) + 416) = gather_vi(m, add_vi(lane_numbers(), splat_vi(base_0)));
  }
}

struct kernel {
  void (*run)(word *m, int first, int end, const int *indices);
  int groups;
  int shared; // among threads; the others are not worth a barrier
};
static const struct kernel kernels[] = {
  {kernel_softplus_bits, 6, 1},
};
struct launch {
  int kernel; // or −1: a loop over the next `length` launches
  int steps;
  int reverse;
  int length;
};
static const struct launch launches[] = {
  {0, 1, 0, 0},
};

