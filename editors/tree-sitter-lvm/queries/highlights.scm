; Colours of `.lvm`, for editors with tree-sitter. Later patterns win in some editors, earlier ones in others: no node has two that differ, but for names by what they are.

(doc_comment) @comment.documentation
(comment) @comment
(string) @string
(escape) @string.escape
(number) @number

["import" "const" "param" "network" "model" "guide" "train"] @keyword
["global" "local" "auto" "marginalize" "chain" "each" "maximize" "observe"] @keyword
["from" "where" "on" "in" "by" "subject" "to" "dropout" "autoregressive"] @keyword

["+" "-" "*" "/" "@" "^" "<" "<=" ">" ">=" "==" "!=" "=" "~" "|>" "->" ".." "|" "?"] @operator
["(" ")" "[" "]" "{" "}"] @punctuation.bracket
["," ":" "."] @punctuation.delimiter

(type_name) @type
(network name: (identifier) @function)
(model name: (identifier) @type.definition)
(guide name: (identifier) @type.definition)
(train name: (identifier) @type.definition)
(import name: (identifier) @variable)
(const name: (identifier) @constant)
(param name: (identifier) @variable)
(column name: (identifier) @variable.parameter)
(local name: (identifier) @variable)
(loop variable: (identifier) @variable)
(let name: (identifier) @variable)
(sample name: (identifier) @variable)
(auto site: (identifier) @variable)
(marginalize site: (identifier) @variable)
(setting name: (identifier) @property)
(observe name: (identifier) @variable)
(argument name: (identifier) @variable.parameter)
(member name: (identifier) @property)

(call callee: (name (identifier) @function.call))
(pipe into: (name (identifier) @function.call))
