/** Peak of fp32 arithmetic outside tensor cores (TFLOP/s) and of memory (GB/s), from the makers' data sheets at boost clocks. The first name that an adapter's name contains counts. */
const peaks = [
  ["H200", 66.9, 4800], ["H100 PCIe", 51.2, 2000], ["H100", 66.9, 3350], ["GH200", 66.9, 4000], ["B200", 75, 8000], ["A100", 19.5, 2039], ["A10G", 31.2, 600], ["A10", 31.2, 600], ["A40", 37.4, 696],
  ["A6000", 38.7, 768], ["L40S", 91.6, 864], ["L40", 90.5, 864], ["L4", 30.3, 300], ["V100", 15.7, 900], ["T4", 8.1, 320], ["P100", 10.6, 732],
  ["RTX 5090", 104.8, 1792], ["RTX 5080", 56.3, 960], ["RTX 4090", 82.6, 1008], ["RTX 4080", 48.7, 717], ["RTX 4070", 29.1, 504], ["RTX 4060", 15.1, 272], ["RTX 3090", 35.6, 936], ["RTX 3080", 29.8, 760], ["RTX 3070", 20.3, 448], ["RTX 3060", 12.7, 360],
  ["RTX 2080", 10.1, 448], ["GTX 1080", 8.9, 320], ["7900 XTX", 61.4, 960], ["MI300X", 163.4, 5300], ["MI250", 45.3, 3277], ["Arc A770", 19.7, 560],
];

/** @returns {{ teraflops: number, gigabytes: number } | undefined} */
export function peakOf(name) {
  const found = peaks.find(([part]) => name.includes(part));
  return found && { teraflops: found[1], gigabytes: found[2] };
}
