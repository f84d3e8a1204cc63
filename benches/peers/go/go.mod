module midge-peers

go 1.27
