/** What `lvmc sample --sampler` and `--spacing` take: apart from the rest, so that the command line's grammar loads no compiler. */
export { samplerNames, type SamplerName } from "../lowering/diffusion/sampler-plan.js";
export { continuousStrides, spacingNames, type Spacing } from "../lowering/diffusion/step-times.js";
