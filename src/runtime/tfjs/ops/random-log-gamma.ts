import * as tf from "@tensorflow/tfjs-core";
import { digamma } from "../../../util/math/digamma.js";
import { gammaDerivative } from "../../../util/math/gamma-derivative.js";
import { differentiable } from "./differentiable.js";
import { mapHost2 } from "./host.js";

/**
 * log z of z ~ Gamma(α, 1), drawn by `fill`, with the implicit gradient d log z/dα = gamma_derivative(α, z) / z
 * (Figurnov, Mohamed & Mnih 2018).
 */
export function randomLogGamma(alpha: tf.Tensor, fill: (out: Float32Array, alpha: ArrayLike<number>) => void): tf.Tensor {
  const draw = (shape: tf.Tensor): tf.Tensor => {
    const out = new Float32Array(shape.size);
    fill(out, shape.dataSync());
    return tf.tensor(out, shape.shape, "float32");
  };
  return differentiable([alpha], draw, (dy, [given = alpha], logZ) => tf.mul(dy, mapHost2(given, logZ, logGammaSlope)));
}

function logGammaSlope(alpha: number, logZ: number): number {
  // For small z the series of P(α, z) has one term: F = z^α / Γ(α+1), whose implicit derivative stays finite where z underflows.
  if (logZ < -60) return (digamma(alpha + 1) - logZ) / alpha;
  const z = Math.exp(logZ);
  return gammaDerivative(alpha, z) / z;
}
