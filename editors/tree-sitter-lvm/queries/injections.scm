((doc_comment) @injection.content
 (#set! injection.language "markdown"))
((comment) @injection.content
 (#set! injection.language "comment"))
