/** What `lvmc sample --sampler` takes: apart from the rest, so that the command line's grammar loads no compiler. */
export { samplerNames, type SamplerName } from "../lowering/diffusion/sampler-plan.js";
