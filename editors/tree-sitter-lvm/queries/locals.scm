[(network) (model) (guide) (loop)] @local.scope

(const name: (identifier) @local.definition)
(param name: (identifier) @local.definition)
(import name: (identifier) @local.definition)
(network name: (identifier) @local.definition)
(column name: (identifier) @local.definition)
(local name: (identifier) @local.definition)
(loop variable: (identifier) @local.definition)
(let name: (identifier) @local.definition)
(sample name: (identifier) @local.definition)

(name (identifier) @local.reference)
