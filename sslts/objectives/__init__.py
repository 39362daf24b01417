"""TWO TENSORS -> LossParts."""
