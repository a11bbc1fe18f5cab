import type { Feature } from "./feature.js";
import { diagnostics } from "./features/diagnostics.js";
import { views } from "./features/views.js";

/** What the server answers, in no order. A new feature is a file in `features/` and a line here. */
export const features: readonly Feature[] = [diagnostics, views];
