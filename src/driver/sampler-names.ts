/** What `lvmc sample --sampler` takes: apart from the rest, so that the command line's grammar loads no compiler. */
export { continuousStrides } from "../lowering/diffusion/step-times.js";
export { samplerNames, type SamplerName } from "../lowering/diffusion/sampler-plan.js";
