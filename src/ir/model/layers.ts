/**
 * Layers: functions with weights. Roles of their parameters and their attributes:
 *
 * - dense: kernel [in, units], bias [units]; attributes units, bias. Applies to the last axis.
 * - conv2d: kernel [k, k, in, channels], bias [channels]; attributes channels, kernel, stride, padding ("same" | "valid"), dilation, bias.
 * - conv_transpose2d: kernel [k, k, channels, in], bias [channels]; the same attributes; output size in·stride ("same").
 * - embedding: table [vocabulary, width]; attributes width. Takes an index.
 * - layer_norm: scale, offset over the last axis; attribute epsilon.
 * - batch_norm: scale, offset, and the running mean and variance (not trainable) over the last axis; attributes epsilon, momentum.
 * - rnn: kernel [in, H], recurrent [H, H], bias [H]; attribute activation ("tanh" | "relu"). Takes the state [H] and an input [in].
 * - gru: kernel [in, 3H], recurrent [H, 3H], bias [3H], recurrent_bias [H]; gates in the order reset, update, candidate.
 * - lstm: kernel [in, 4H], recurrent [H, 4H], bias [4H]; gates in the order input, forget, candidate, output. The state is [2, H]: output and cell.
 */
export const layerNames = ["dense", "conv2d", "conv_transpose2d", "embedding", "layer_norm", "batch_norm", "rnn", "gru", "lstm"] as const;

export type LayerName = (typeof layerNames)[number];
