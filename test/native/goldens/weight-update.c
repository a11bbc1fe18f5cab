// ---- The program.

#define WORDS 110000

// update
static void kernel_update(word *m, int first, int end, const int *indices) {
  for (int group = first; group < end; group++) {
    const int at_0 = mul_i(group, 32);
    vf sum_1 = splat_vf(0.0f);
    vf sum_2 = splat_vf(0.0f);
    vf sum_3 = splat_vf(0.0f);
    vf sum_4 = splat_vf(0.0f);
    vf sum_5 = splat_vf(0.0f);
    vf sum_6 = splat_vf(0.0f);
    vf sum_7 = splat_vf(0.0f);
    vf sum_8 = splat_vf(0.0f);
    for (int r_18 = 0; r_18 < 4; r_18++) {
      const int at_19 = add_i(add_i(mul_i(r_18, 400), at_0), 60000);
      const int at_22 = add_i(add_i(mul_i(r_18, 400), at_0), 60016);
      UPDATE_SOON(at_19);
      UPDATE_SOON(at_22);
      for (int k_9 = (mul_i(r_18, 128) / 4) + 0; k_9 < ((mul_i(add_i(r_18, 1), 128) / 4) + 0); k_9++) {
        const int at_10 = add_i(add_i(mul_i(k_9, 400), at_0), 4096);
        READ_SOON(at_10 + 9600);
        const vf b_11 = VF(at_10);
        const int at_12 = add_i(add_i(mul_i(k_9, 400), at_0), 4112);
        READ_SOON(at_12 + 9600);
        const vf b_13 = VF(at_12);
        const float a_14 = F((k_9 * 4) + 16);
        sum_1 = fma_vf(splat_vf(a_14), b_11, sum_1);
        sum_2 = fma_vf(splat_vf(a_14), b_13, sum_2);
        const float a_15 = F((k_9 * 4) + 17);
        sum_3 = fma_vf(splat_vf(a_15), b_11, sum_3);
        sum_4 = fma_vf(splat_vf(a_15), b_13, sum_4);
        const float a_16 = F((k_9 * 4) + 18);
        sum_5 = fma_vf(splat_vf(a_16), b_11, sum_5);
        sum_6 = fma_vf(splat_vf(a_16), b_13, sum_6);
        const float a_17 = F((k_9 * 4) + 19);
        sum_7 = fma_vf(splat_vf(a_17), b_11, sum_7);
        sum_8 = fma_vf(splat_vf(a_17), b_13, sum_8);
      }
    }
    VF((group * 128) + 100000) = sum_1;
    VF((group * 128) + 100016) = sum_2;
    VF((group * 128) + 100032) = sum_3;
    VF((group * 128) + 100048) = sum_4;
    VF((group * 128) + 100064) = sum_5;
    VF((group * 128) + 100080) = sum_6;
    VF((group * 128) + 100096) = sum_7;
    VF((group * 128) + 100112) = sum_8;
    for (int r_18 = 0; r_18 < 4; r_18++) {
      const int at_19 = add_i(add_i(mul_i(r_18, 400), at_0), 60000);
      const vf gradient_20 = VF(((group * 128) + (r_18 * 32)) + 100000);
      const vf weight_21 = VF(at_19);
      VF(at_19) = weight_21 - (gradient_20 * splat_vf(0.1f));
      const int at_22 = add_i(add_i(mul_i(r_18, 400), at_0), 60016);
      const vf gradient_23 = VF(((group * 128) + (r_18 * 32)) + 100016);
      const vf weight_24 = VF(at_22);
      VF(at_22) = weight_24 - (gradient_23 * splat_vf(0.1f));
    }
  }
}

struct kernel {
  void (*run)(word *m, int first, int end, const int *indices);
  int groups;
  int shared; // among threads; the others are not worth a barrier
};
static const struct kernel kernels[] = {
  {kernel_update, 12, 1},
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

