/// \file
/// How a module of PyTorch names its parameters, and in which order its layers are.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pathline::io {

/// Where the inputs of `nn.Linear` have the side inputs: the time, then context if there is any. A file does not tell.
enum class TorchTime {
  first_column,       ///< First, in every layer: `torch.cat([t, x], 1)`, as FFJORD's `ConcatLinear`.
  last_column,        ///< Last, in every layer: `torch.cat([x, t], 1)`.
  first_column_once,  ///< First, in the first layer; the others read none.
  last_column_once,   ///< Last, in the first layer; the others read none. torchdyn's `DepthCat` before the network.
  none                ///< No layer reads any.
};

/// Which tensors of a state_dict are a module's, and what they are to it.
///
///     io::load_torch("flow.safetensors", field, {.prefix = "net.", .time = io::TorchTime::last_column});
struct TorchNames {
  /// Opens the names that belong to the module. Others are not read; one with it that the module has no use for is an
  /// error.
  std::string prefix = "";
  /// The layers' names after the prefix, in their order: {"input", "hidden", "output"}. If there are none, they are
  /// numbered: a file's layers are read in the order of their numbers, those of a written one are called as
  /// `nn.Sequential` (0, 2, 4, …; activations are between) or FFJORD's `ODEnet` (layers.0, layers.1, …) call them.
  std::vector<std::string> layers = {};
  /// Needed where layers of `nn.Linear` read side inputs, and there alone.
  std::optional<TorchTime> time = std::nullopt;
};

namespace detail {

struct NumberedOrder {
  int sign;        ///< Below 0: the first name comes first.
  bool by_number;  ///< Whether two numbers decided, and not letters.
};

/// Compares names with their runs of digits as numbers: "layers.9" comes before "layers.10".
[[nodiscard]] inline NumberedOrder numbered_order(std::string_view a, std::string_view b) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  const auto take_number = [&](std::string_view& text) {
    const auto end = std::size_t(std::find_if_not(text.begin(), text.end(), digit) - text.begin());
    std::string_view number = text.substr(0, end);
    number.remove_prefix(std::min(number.find_first_not_of('0'), number.size()));
    text.remove_prefix(end);
    return number;
  };
  while (!a.empty() && !b.empty()) {
    if (digit(a[0]) && digit(b[0])) {
      const std::string_view x = take_number(a), y = take_number(b);
      if (x != y) return {x.size() != y.size() ? (x.size() < y.size() ? -1 : 1) : x.compare(y), true};
    } else if (a[0] != b[0]) {
      if (digit(a[0]) || digit(b[0])) return {digit(a[0]) ? -1 : 1, false};
      return {a[0] < b[0] ? -1 : 1, false};
    } else {
      a.remove_prefix(1);
      b.remove_prefix(1);
    }
  }
  return {a.empty() ? (b.empty() ? 0 : -1) : 1, false};
}

}  // namespace detail

}  // namespace pathline::io
