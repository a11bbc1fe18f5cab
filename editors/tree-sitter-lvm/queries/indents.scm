[(block) (train_block) (columns) (arguments) (array)] @indent.begin
["}" ")" "]"] @indent.branch @indent.end
