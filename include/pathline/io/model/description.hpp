/// \file
/// What a model consists of: names of types, settings, statistics, and which part of θ is what.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>
#include <pathline/io/model/described.hpp>
#include <pathline/io/model/texts.hpp>
#include <pathline/io/tensor.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace pathline::io {

/// Collects what `Described<T>` says of the parts of a model. Names are paths: a setting `weight` of the part
/// `regularizers.0` is kept as `regularizers.0.weight`.
class Description {
 public:
  /// A tensor that is a part of θ, whose numbers are there column by column.
  struct Parameter {
    std::string name;
    std::vector<std::int64_t> shape;  ///< [n] or [rows, columns].
    bool may_be_negative = true;
  };

  /// A number (double or integer), bool or text that a program may change: whoever loads takes it from the file.
  template <class T>
  requires(std::is_arithmetic_v<T> || std::convertible_to<T, std::string_view>) void setting(std::string_view name,
                                                                                             const T& value) {
    write(name, detail::setting_text(value));
  }
  /// An enumeration whose values are 0, 1, …, by their names.
  template <class Enum>
  requires std::is_enum_v<Enum>
  void choice(std::string_view name, const Enum& value, std::initializer_list<std::string_view> names) {
    write(name, names.begin()[std::size_t(value)]);
  }
  /// What the type says: an activation, the kind of noise. Another one in the file is another type.
  void fixed(std::string_view name, std::string_view text) { write(name, text); }
  /// float or double.
  template <Real Scalar>
  void scalar(std::string_view name) {
    write(name, std::same_as<Scalar, float> ? "float" : "double");
  }
  /// A number of rows, blocks or layers, or several: a model that exists is not given another one.
  void size(std::string_view name, Index number) { sizes(name, {number}); }
  void sizes(std::string_view name, const std::vector<Index>& numbers) {
    if (!parameters_only_) architecture_.insert(path(name));
    write(name, detail::list_text(numbers));
  }
  /// Numbers that a part keeps beside θ: a vector or a matrix of float or double.
  template <class Derived>
  void tensor(std::string_view name, const Eigen::DenseBase<Derived>& numbers) {
    if (!parameters_only_) tensors_.push_back(tensor_of(path(name), numbers));
  }
  /// The next n numbers of θ, or the next rows · columns as a matrix, which θ holds column by column.
  void parameter(std::string_view name, Index n) { parameters_.push_back({path(name), {n}}); }
  void parameter(std::string_view name, Index rows, Index columns) {
    parameters_.push_back({path(name), {rows, columns}});
  }
  /// The next n numbers of θ, none of which is negative.
  void variance(std::string_view name, Index n) { parameters_.push_back({path(name), {n}, false}); }

  /// A part with a description of its own.
  template <class T>
  void part(std::string_view name, const T& value) {
    detail::require_description<T>();
    if constexpr (HasDescription<T>) {
      write(name, Described<T>::name);
      inside(name, value);
    }
  }
  /// Only the parameters of a part: of the further blocks of a stack, whose layer has been described.
  template <class T>
  void parameters_of(std::string_view name, const T& value) {
    const bool outer = parameters_only_;
    parameters_only_ = true;
    inside(name, value);
    parameters_only_ = outer;
  }
  /// Only the rest of a part.
  template <class T>
  void structure_of(std::string_view name, const T& value) {
    const std::size_t outer = parameters_.size();
    part(name, value);
    parameters_.resize(outer);
  }
  /// A part as if what it says were said by the part that it is in.
  template <class T>
  void same(const T& value) {
    detail::require_description<T>();
    if constexpr (HasDescription<T>) describe(value);
  }

  [[nodiscard]] const std::map<std::string, std::string>& texts() const noexcept { return texts_; }
  /// Names of the sizes among the texts.
  [[nodiscard]] const std::set<std::string>& architecture() const noexcept { return architecture_; }
  [[nodiscard]] const std::vector<Tensor>& tensors() const noexcept { return tensors_; }
  /// θ from its beginning to its end.
  [[nodiscard]] const std::vector<Parameter>& parameters() const noexcept { return parameters_; }
  [[nodiscard]] Index parameter_count() const {
    Index count = 0;
    for (const Parameter& one : parameters_) count += Index(byte_count(TensorType::u8, one.shape).value());
    return count;
  }

 private:
  [[nodiscard]] std::string path(std::string_view name) const { return prefix_ + std::string(name); }

  void write(std::string_view name, std::string_view text) {
    if (parameters_only_) return;
    if (!texts_.emplace(path(name), text).second)
      throw ArgumentError("io: number of things that a description calls " + path(name), "2", "1");
  }
  template <class T>
  void inside(std::string_view name, const T& value) {
    const std::size_t outer = prefix_.size();
    prefix_.append(name).append(".");
    describe(value);
    prefix_.resize(outer);
  }
  template <class T>
  void describe(const T& value) {
    if constexpr (detail::VisitedBy<const T, Description>)
      Described<T>::visit(value, *this);
    else if constexpr (requires { Described<T>::describe(value, *this); })
      Described<T>::describe(value, *this);
    else
      detail::require_no_members<T>();
  }

  std::string prefix_;
  bool parameters_only_ = false;
  std::map<std::string, std::string> texts_;
  std::set<std::string> architecture_;
  std::vector<Tensor> tensors_;
  std::vector<Parameter> parameters_;
};

}  // namespace pathline::io
