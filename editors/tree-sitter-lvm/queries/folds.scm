[(block) (train_block) (columns) (arguments) (array)] @fold
