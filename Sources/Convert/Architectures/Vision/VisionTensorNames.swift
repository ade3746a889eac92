/// What a family of vision encoders calls its tensors. The defaults are Hugging Face's names for CLIP and SigLIP.
struct VisionTensorNames {
  /// The class token.
  var classToken = "embeddings.class_embedding"
  /// Dimensions of size 1 before the tokens' own.
  var classTokenDimensions = 0
  /// The register tokens, `[1, registers, width]`.
  var registers = "embeddings.register_tokens"
  /// The projection of patches, without `.weight`.
  var patchEmbedding = "embeddings.patch_embedding"
  /// The positions.
  var position = "embeddings.position_embedding.weight"
  /// Whether the positions have a dimension of size 1 before their own.
  var isPositionBatched = false
  /// The normalization before the first layer. The spelling is that of the checkpoints.
  var preNormalization = "pre_layrnorm"
  /// What layers have in front of their number.
  var layers = "encoder.layers."
  /// The parts of a layer.
  var layer = Layer()
  /// The normalization after the last layer.
  var finalNormalization = "post_layernorm"
  /// The pooling head.
  var pooling = Pooling()

  /// The parts of a layer.
  struct Layer {
    var attentionNormalization = "layer_norm1"
    var query = "self_attn.q_proj"
    var key = "self_attn.k_proj"
    var value = "self_attn.v_proj"
    /// Queries, keys and values in one tensor.
    var input = "attn.qkv"
    var attentionOutput = "self_attn.out_proj"
    var queryNormalization = "attn.q_norm"
    var keyNormalization = "attn.k_norm"
    var attentionScale = "ls1"
    var feedForwardNormalization = "layer_norm2"
    var feedForwardInput = "mlp.fc1"
    var feedForwardOutput = "mlp.fc2"
    var feedForwardScale = "ls2"
  }

  /// The parts of a pooling head.
  struct Pooling {
    var probe = "head.probe"
    var query = "head.attention.query"
    var keyValue = "head.attention.key_value"
    /// Queries, keys and values in one tensor, as in PyTorch's `MultiheadAttention`.
    var inputWeight = "head.attention.in_proj_weight"
    var inputBias = "head.attention.in_proj_bias"
    var attentionOutput = "head.attention.out_proj"
    var normalization = "head.layernorm"
    var feedForwardInput = "head.mlp.fc1"
    var feedForwardOutput = "head.mlp.fc2"
  }
}
