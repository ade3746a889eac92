public import Format

/// Why a checkpoint could not be converted.
public enum ConvertError: DescribedFailure, Equatable {
  /// The directory has no file of that name.
  case missingFile(String, directory: String)
  /// The index of a sharded checkpoint is not what it should be.
  case malformedIndex(file: String, expected: String)
  /// A tensor is promised by the index but not in its shard, or the other way round.
  case indexDisagrees(tensor: String, shard: String, file: String)
  /// The same tensor is in two shards.
  case repeatedTensor(String, first: String, second: String)
  /// No known architecture fits.
  case unknownArchitecture(directory: String, modelType: String?, known: [String])
  /// A known architecture is used with an option that is not supported.
  case unsupported(option: String, found: String, supported: String, file: String)
  /// Everything wrong with the tensors of a checkpoint.
  case problems([CheckpointProblem], directory: String)
  /// A member of a configuration file is missing or has the wrong type.
  case malformedConfiguration(file: String, key: String, expected: String)
  /// A file of the checkpoint is no acceptable JSON.
  case malformedJSON(file: String, reason: String)
  /// Vocabulary and embedding do not belong together.
  case tokenizerMismatch(file: String, tokens: Int, rows: Int)
  /// A recipe is not what it should be.
  case malformedRecipe(file: String, reason: String)
  /// A recipe or option names an encoding that does not exist.
  case unknownEncoding(String, known: [String])
  /// No rule of the recipe covers a tensor.
  case uncoveredTensor(String, recipe: String)
  /// A rule would round a tensor that must stay a float.
  case notQuantizable(tensor: String, role: String, encoding: String)
  /// The weights of a tensor cannot be encoded.
  case unencodable(tensor: String, file: String, encoding: String, reason: String)
  /// A tensor cannot be calibrated, and none may be left out.
  case notCalibrated(tensor: String, reason: String)
  /// Not even the coarsest encodings make the file small enough.
  case budgetTooSmall(target: Int, smallest: Int)
  /// Not even the finest encodings come near the size.
  case budgetTooLarge(target: Int, largest: Int)
  /// No file comes near enough to the size; what comes nearest.
  case budgetNotMet(target: Int, nearest: Int)
  /// The file met the size before the results of the validation were added.
  case budgetExceeded(target: Int, found: Int)
  /// No file is good enough.
  case qualityNotReached(String, best: Double)
  /// A budget is asked of an encoding that has no choices.
  case noBudget(encoding: String)
  /// A file that is to be calibrated on is empty.
  case nothingToCalibrateOn(file: String)
  /// A pack was made by a profile this version does not know.
  case unknownProfile(String, file: String)
  /// The output of `unpack` exists.
  case outputExists(String)
  /// A vision-language checkpoint leaves its vision towers out.
  case missingTowers(prefix: String, directory: String)
  /// Vision towers are given for a model that has none, or has them in the same directory.
  case unwantedTowers(profile: String, directory: String)
  /// Vision towers are given for something that is no checkpoint directory.
  case visionForPack(String)
  /// A pack is to be kept in memory otherwise than stored and has nothing for which that is possible.
  case nothingToTranscode(file: String)
  /// A directory or file cannot be created.
  case cannotCreate(String, reason: String)

  /// What sort of failure this is.
  public var kind: FailureKind {
    switch self {
    case .missingFile, .missingTowers: .missingInput
    case .malformedRecipe, .unknownEncoding, .uncoveredTensor, .notQuantizable, .visionForPack,
      .unwantedTowers, .budgetTooSmall, .budgetTooLarge, .noBudget,
      .nothingToTranscode:
      .usage
    case .budgetNotMet, .budgetExceeded: .limitExceeded
    case .qualityNotReached: .qualityGate
    case .outputExists, .cannotCreate: .cannotCreate
    default: .badInput
    }
  }

  /// One sentence in lower case; problems of tensors follow one to a line.
  public var description: String {
    switch self {
    case .missingFile(let name, let directory): "\(directory) has no \(name)"
    case .malformedIndex(let file, let expected): "\(file): expected \(expected)"
    case .indexDisagrees(let tensor, let shard, let file):
      "\(file) and \(shard) disagree about tensor “\(tensor)”: expected it in both"
    case .repeatedTensor(let tensor, let first, let second):
      "tensor “\(tensor)” is in \(first) and again in \(second); expected it once"
    case .unknownArchitecture(let directory, let modelType, let known):
      "\(directory): no known architecture fits \(modelType.map { "model_type “\($0)”" } ?? "a checkpoint without model_type"); known, nearest first: \(known.joined(separator: ", "))"
    case .unsupported(let option, let found, let supported, let file):
      "\(file): \(option) is \(found), which is not supported; expected \(supported)"
    case .problems(let problems, let directory):
      "the tensors of \(directory) do not fit its architecture:\n"
        + problems.map { "  \($0)" }.joined(separator: "\n")
    case .malformedConfiguration(let file, let key, let expected):
      "\(file): expected “\(key)” to be \(expected)"
    case .malformedJSON(let file, let reason): "\(file): \(reason)"
    case .tokenizerMismatch(let file, let tokens, let rows):
      "\(file) has \(tokens) tokens, the embedding has \(rows) rows; expected as many, or up to 63 more rows as padding"
    case .malformedRecipe(let file, let reason): "recipe \(file): \(reason)"
    case .unknownEncoding(let name, let known):
      "unknown encoding “\(name)”; known: \(known.joined(separator: ", "))"
    case .uncoveredTensor(let tensor, let recipe):
      "recipe “\(recipe)” has no rule for tensor “\(tensor)”"
    case .notQuantizable(let tensor, let role, let encoding):
      "tensor “\(tensor)” has the role \(role), which must stay a float; the recipe says \(encoding)"
    case .unencodable(let tensor, let file, let encoding, let reason):
      "tensor “\(tensor)” of \(file) cannot be encoded as \(encoding): \(reason)"
    case .notCalibrated(let tensor, let reason):
      "tensor “\(tensor)” cannot be calibrated: \(reason)"
    case .budgetTooSmall(let target, let smallest):
      "the file cannot have \(target) bytes: the smallest possible has \(smallest)"
    case .budgetTooLarge(let target, let largest):
      "the file cannot have \(target) bytes: the largest possible has \(largest)"
    case .budgetNotMet(let target, let nearest):
      "no file comes within 0.5 % of \(target) bytes: the nearest below has \(nearest)"
    case .budgetExceeded(let target, let found):
      "with the results of the validation the file has \(found) bytes, more than \(target)"
    case .qualityNotReached(let bound, let best):
      "no file reaches \(bound): the best has \(best)"
    case .noBudget(let encoding):
      "“\(encoding)” has nothing to choose from; a budget goes with --quantize q4, e4 and the like"
    case .nothingToCalibrateOn(let file):
      "\(file) has nothing to calibrate on; expected text or questions"
    case .unknownProfile(let profile, let file):
      "\(file) has the profile “\(profile)”, which this version does not know"
    case .outputExists(let path): "\(path) exists; --force replaces it"
    case .missingTowers(let prefix, let directory):
      "\(directory) has no tensors below \(prefix); expected them there, or in a directory given with --vision"
    case .unwantedTowers(let profile, let directory):
      "\(directory) is a model of the profile \(profile), whose vision encoder, if any, lies with the rest; expected no --vision"
    case .visionForPack(let path):
      "--vision goes with a checkpoint directory, which \(path) is not; a pack holds its vision encoders"
    case .nothingToTranscode(let file):
      "--resident q4 is for packs of entropy tiers such as e4; \(file) has no matrix of one"
    case .cannotCreate(let path, let reason): "cannot create \(path): \(reason)"
    }
  }
}

/// One thing wrong with the tensors of a checkpoint.
public enum CheckpointProblem: Sendable, Equatable, CustomStringConvertible {
  /// A tensor that the architecture needs is not there.
  case missing(String, expected: [Int])
  /// A tensor has the wrong shape.
  case misshapen(String, found: [Int], expected: [Int])
  /// A tensor has no use in this architecture.
  case unused(String, shape: [Int])
  /// A tensor's type is not a float.
  case notFloat(String, type: String)

  /// A line for people.
  public var description: String {
    switch self {
    case .missing(let name, let expected): "missing: \(name), expected shape \(expected)"
    case .misshapen(let name, let found, let expected):
      "wrong shape: \(name) is \(found), expected \(expected)"
    case .unused(let name, let shape): "unused: \(name) \(shape) has no place in this architecture"
    case .notFloat(let name, let type):
      "wrong type: \(name) is \(type), expected F32, F16, BF16 or F64"
    }
  }
}
