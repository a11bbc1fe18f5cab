/**
 * Layers: functions with weights. Roles of their parameters and their attributes:
 *
 * - dense: kernel [in, units], bias [units]; attributes units, bias. Applies to the last axis.
 * - conv2d: kernel [k, k, in, channels], bias [channels]; attributes channels, kernel, stride, padding ("same" | "valid"), dilation, bias.
 * - conv_transpose2d: kernel [k, k, channels, in], bias [channels]; the same attributes; output size in·stride ("same").
 * - embedding: table [vocabulary, width]; attributes width. Takes an index.
 * - layer_norm: scale, offset over the last axis; attributes epsilon, affine (without it there are no weights).
 * - group_norm: scale, offset [channels]; attributes groups, epsilon, affine. Statistics over a group of channels at all positions of the row.
 * - batch_norm: scale, offset, and the running mean and variance (not trainable) over the last axis; attributes epsilon, momentum.
 * - self_attention: queries, keys, values, output [channels, channels], and <role>_bias [channels]; attribute heads. Positions are the axes before the last.
 * - position_embedding: table of the input's own shape, which is added.
 * - residual_block: scale_1, offset_1 [in], kernel_1 [k, k, in, channels], bias_1, scale_2, offset_2, kernel_2 [k, k, channels, channels], bias_2 [channels]; with a condition (the
 *   second argument) condition_kernel [size, channels] and condition_bias; where in ≠ channels skip_kernel [1, 1, in, channels] and skip_bias; attributes channels, groups, kernel.
 * - rnn: kernel [in, H], recurrent [H, H], bias [H]; attribute activation ("tanh" | "relu"). Takes the state [H] and an input [in].
 * - gru: kernel [in, 3H], recurrent [H, 3H], bias [3H], recurrent_bias [H]; gates in the order reset, update, candidate.
 * - lstm: kernel [in, 4H], recurrent [H, 4H], bias [4H]; gates in the order input, forget, candidate, output. The state is [2, H]: output and cell.
 */
export const layerNames = ["dense", "conv2d", "conv_transpose2d", "embedding", "layer_norm", "group_norm", "batch_norm", "self_attention", "position_embedding", "residual_block", "rnn", "gru", "lstm"] as const;

export type LayerName = (typeof layerNames)[number];
