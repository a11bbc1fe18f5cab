/**
 * Layers: functions with weights. Roles of their parameters and their attributes:
 *
 * - dense: kernel [in, units], bias [units]; attributes units, bias. Applies to the last axis.
 * - conv2d: kernel [k, k, in, channels], bias [channels]; attributes channels, kernel, stride, padding ("same" | "valid"), dilation, bias.
 * - conv_transpose2d: kernel [k, k, channels, in], bias [channels]; the same attributes; output size in·stride ("same").
 * - embedding: table [vocabulary, width]; attributes width. Takes an index.
 * - layer_norm: scale, offset over the last axis; attribute epsilon.
 * - batch_norm: scale, offset, and the running mean and variance (not trainable) over the last axis; attributes epsilon, momentum.
 */
export const layerNames = ["dense", "conv2d", "conv_transpose2d", "embedding", "layer_norm", "batch_norm"] as const;

export type LayerName = (typeof layerNames)[number];
