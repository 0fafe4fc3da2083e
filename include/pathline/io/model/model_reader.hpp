/// \file
/// Reads the parts of a model from the texts and tensors of its file, and remembers everything that does not fit.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>
#include <pathline/io/model/described.hpp>
#include <pathline/io/model/texts.hpp>
#include <pathline/io/number_text.hpp>
#include <pathline/io/tensor.hpp>

#include <cmath>
#include <concepts>
#include <cstddef>
#include <functional>
#include <initializer_list>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace pathline::io {

/// Whether the doubles of a file may be rounded to a model of float.
enum class Rounding { refuse, allow };

/// A part that has been read, or none.
template <class T>
class Part {
 public:
  Part() = default;
  explicit Part(T value) : value_(std::make_unique<T>(std::move(value))) {}

  explicit operator bool() const noexcept { return value_ != nullptr; }
  /// \throws DataError when there is none; whoever asked for the part says what was wrong with it.
  [[nodiscard]] T& value() {
    if (!value_) throw DataError("a part of it is missing");
    return *value_;
  }

 private:
  std::unique_ptr<T> value_;  // not std::optional, of which g++ 12 warns
};

namespace detail {

/// What has been read of a file, and what does not fit.
struct ReadingState {
  explicit ReadingState(const TensorFile& a_file, Rounding a_rounding) : file(a_file), rounding(a_rounding) {
    for (const Tensor& tensor : file.tensors) numbers += Index(size_of(tensor));
  }
  void differ(const std::string& name, const std::string& got, const std::string& expected) {
    differences.push_back(name + ": the file has " + got + ", the program " + expected);
  }
  [[nodiscard]] bool skipped(const std::string& name) const {
    for (const std::string& part : skipped_parts)
      if (name.compare(0, part.size() + 1, part + '.') == 0) return true;
    return false;
  }

  const TensorFile& file;
  Rounding rounding;
  Index numbers = 0;  ///< In all tensors: no part of a model of this file has more.
  std::vector<std::string> differences;
  std::set<std::string, std::less<>> used_texts, used_tensors;
  std::vector<std::string> skipped_parts;  ///< Parts that are of another type, or could not be made.
};

}  // namespace detail

/// What `Described<T>::read` is given. A text or tensor that is missing or no good is remembered as a difference and
/// something harmless is returned: when reading ends, all differences are thrown together, and no model is made.
class ModelReader {
 public:
  /// No size of a model is larger: bounds what a hostile file can ask for.
  static constexpr Index most = Index(1) << 20;

  explicit ModelReader(detail::ReadingState& state, std::string prefix = "")
      : state_(state), prefix_(std::move(prefix)) {}

  /// Replaces `value` by the setting of the file: a double that is not NaN, an integer, a bool or a std::string.
  template <class T>
  requires(std::is_arithmetic_v<T> || std::same_as<T, std::string>) void setting(std::string_view name, T& value) {
    const std::string* const text = find(name);
    if (text == nullptr) return;
    if constexpr (std::same_as<T, std::string>) {
      value = *text;
    } else if constexpr (std::same_as<T, bool>) {
      if (*text == "true" || *text == "false")
        value = *text == "true";
      else
        differ(name, *text, "true or false");
    } else if constexpr (std::integral<T>) {
      const auto number = detail::parse_whole<T>(*text);
      if (number)
        value = *number;
      else
        differ(name, *text, "a whole number in its range");
    } else {
      const auto number = parse_number<T>(*text);
      if (number && !std::isnan(*number))
        value = *number;
      else
        differ(name, *text, "a number");
    }
  }
  /// The same as a result.
  template <class T>
  [[nodiscard]] T setting(std::string_view name) {
    T value{};
    setting(name, value);
    return value;
  }
  /// Replaces `value` by the enumerator of the file.
  template <class Enum>
  requires std::is_enum_v<Enum>
  void choice(std::string_view name, Enum& value, std::initializer_list<std::string_view> names) {
    const std::string* const text = find(name);
    if (text == nullptr) return;
    std::string all;
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (names.begin()[i] == *text) {
        value = Enum(i);
        return;
      }
      all += (i == 0 ? "" : " or ") + std::string(names.begin()[i]);
    }
    differ(name, *text, all);
  }
  /// What the type says must be what the file says.
  void fixed(std::string_view name, std::string_view expected) {
    const std::string* const text = find(name);
    if (text != nullptr && *text != expected) differ(name, *text, std::string(expected));
  }
  /// The scalar of the program, which must hold the numbers of the file, or may round them.
  template <Real Scalar>
  void scalar(std::string_view name) {
    const std::string* const text = find(name);
    if (text == nullptr) return;
    if (*text != "float" && *text != "double")
      differ(name, *text, "float or double");
    else if (*text == "double" && std::same_as<Scalar, float> && state_.rounding == Rounding::refuse)
      differ(name, "double", "float, to which its numbers would be rounded: io::Rounding::allow if they may");
  }
  /// A size, from 0 to `most`.
  [[nodiscard]] Index size(std::string_view name) {
    const std::vector<Index> numbers = sizes(name);
    if (numbers.size() == 1) return numbers[0];
    if (!numbers.empty()) differ(name, std::to_string(numbers.size()) + " numbers", "one");
    return 0;
  }
  [[nodiscard]] std::vector<Index> sizes(std::string_view name) {
    const std::string* const text = find(name);
    if (text == nullptr) return {};
    const auto numbers = detail::parse_list(*text, most);
    if (!numbers) differ(name, *text, "whole numbers from 0 to " + std::to_string(most));
    return numbers.value_or(std::vector<Index>());
  }
  /// A vector or a matrix of the file, rounded to the scalar where its numbers are doubles.
  template <Real Scalar>
  [[nodiscard]] Vector<Scalar> vector(std::string_view name) {
    return read_tensor(name, 1, [](const Tensor& tensor) { return vector_of<Scalar>(tensor); });
  }
  template <Real Scalar>
  [[nodiscard]] Batch<Scalar> matrix(std::string_view name) {
    return read_tensor(name, 2, [](const Tensor& tensor) { return matrix_of<Scalar>(tensor); });
  }

  /// Whether the file has a text of that name.
  [[nodiscard]] bool has(std::string_view name) const { return state_.file.metadata.count(path(name)) > 0; }
  /// A part with a description of its own; none when it is of another type, or something of it is wrong.
  template <class T>
  [[nodiscard]] Part<T> part(std::string_view name) {
    detail::require_description<T>();
    if constexpr (HasDescription<T>)
      if (is_of_type(name, Described<T>::name)) return inside<T>(path(name));
    return {};
  }
  /// The same in place of `value`.
  template <class T>
  void part(std::string_view name, T& value) {
    Part<T> read = part<T>(name);
    if (read) value = std::move(read.value());
  }
  /// A part that is described as if it were the part that it is in.
  template <class T>
  [[nodiscard]] T same() {
    detail::require_description<T>();
    return make<T>();
  }

  /// A whole model.
  template <class T>
  [[nodiscard]] Part<T> whole() {
    fixed("model", Described<T>::name);
    return inside<T>("");
  }

  /// Remembers what require() throws of the part of that name, as an ArgumentError of a setting that it cannot have.
  template <class Require>
  void check(std::string_view name, const Require& require) {
    try {
      require();
    } catch (const Error& error) {
      state_.differences.push_back(path(name) + ": " + error.what());
    }
  }

  /// To be asked before an object of that many parameters is made, which a hostile file could want to be huge.
  /// \throws ArgumentError when the file has fewer numbers.
  void require_parameters(Index count) const {
    if (count > state_.numbers)
      throw ArgumentError("number of parameters", count,
                          "at most " + std::to_string(state_.numbers) + ", the numbers of the file");
  }

 private:
  [[nodiscard]] std::string path(std::string_view name) const { return prefix_ + std::string(name); }
  void differ(std::string_view name, const std::string& got, const std::string& expected) {
    state_.differ(path(name), got, expected);
  }
  /// The text of that name, or null and a difference.
  [[nodiscard]] const std::string* find(std::string_view name) {
    const auto text = state_.file.metadata.find(path(name));
    if (text == state_.file.metadata.end()) {
      differ(name, "nothing of this name", "needs it");
      return nullptr;
    }
    state_.used_texts.insert(text->first);
    return &text->second;
  }
  template <class Read>
  [[nodiscard]] auto read_tensor(std::string_view name, std::size_t dimensions, const Read& read)
      -> decltype(read(Tensor())) {
    const Tensor* const tensor = state_.file.find(path(name));
    if (tensor == nullptr) {
      differ(name, "no tensor of this name", "needs it");
      return {};
    }
    state_.used_tensors.insert(tensor->name);
    if (tensor->shape.size() != dimensions) {
      differ(name, "shape " + shape_text(tensor->shape), "needs " + std::to_string(dimensions) + " dimensions");
      return {};
    }
    try {
      return read(*tensor);
    } catch (const TensorError& error) {
      state_.differences.emplace_back(error.what());
      return {};
    }
  }
  /// Whether the part of that name is of that type in the file; a difference where it is not.
  [[nodiscard]] bool is_of_type(std::string_view name, std::string_view expected) {
    const std::string* const type = find(name);
    if (type != nullptr && *type == expected) return true;
    if (type != nullptr) differ(name, *type, std::string(expected));
    state_.skipped_parts.push_back(path(name));
    return false;
  }
  template <class T>
  [[nodiscard]] Part<T> inside(const std::string& where) {
    Part<T> result;
    if (reads(where, &ModelReader::read_into<T>, &result)) return result;
    return {};
  }
  template <class T>
  static void read_into(ModelReader& reader, void* part) {
    *static_cast<Part<T>*>(part) = Part<T>(reader.make<T>());
  }
  /// Calls read(reader of that part, to), and tells whether the file fits all that it asked for.
  [[nodiscard]] bool reads(const std::string& where, void (*read)(ModelReader&, void*), void* to) {
    ModelReader reader(state_, where.empty() ? "" : where + '.');
    const std::size_t before = state_.differences.size();
    try {
      read(reader, to);
      return state_.differences.size() == before;
    } catch (const Error& error) {
      // What was missing in the file may be why: then that is what to say.
      if (state_.differences.size() == before)
        state_.differences.push_back((where.empty() ? "the model" : where) + ": " + error.what());
      state_.skipped_parts.push_back(where);
    }
    return false;
  }
  template <class T>
  [[nodiscard]] T make() {
    if constexpr (requires(ModelReader & in) {
                    { Described<T>::read(in) } -> std::convertible_to<T>;
                  }) {
      return Described<T>::read(*this);
    } else {
      T result{};
      if constexpr (detail::VisitedBy<T, ModelReader>) Described<T>::visit(result, *this);
      if constexpr (requires { Described<T>::check(result); }) Described<T>::check(result);
      return result;
    }
  }

  detail::ReadingState& state_;
  std::string prefix_;
};

}  // namespace pathline::io
