/// \file
/// θ of a field: one flat vector whose length belongs to the field's layers and does not change.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>
#include <pathline/math/view_loops.hpp>

#include <concepts>
#include <string>
#include <utility>

namespace pathline {

namespace detail {

template <Real Scalar>
class OwnParameters;

/// Throws ShapeError unless a field that was made with `expected` parameters still has them: none are left in a field
/// that was moved from, and a vector of the user's own can be resized.
[[noreturn, gnu::cold, gnu::noinline]] inline void refuse_parameter_count(const MessagePart& what, Index count,
                                                                          Index expected) {
  throw ShapeError(message({what, ": the field's vector of parameters"}), "rows", count, expected,
                   count == 0 ? "the field has been moved from" : "its length must not change");
}
inline void require_parameter_count(const MessagePart& what, Index count, Index expected) {
  if (count != expected) refuse_parameter_count(what, count, expected);
}

/// Throws ArgumentError at the first parameter that is not finite. The pass costs little beside one evaluation
/// of the field.
template <Real Scalar>
void require_finite_parameters(const char* what, const Vector<Scalar>& theta) {
  if (all_finite<Scalar>(theta)) return;
  Index i = 0;
  while (theta(i) - theta(i) == Scalar(0)) ++i;
  throw ArgumentError(message({what, ": parameters(", i, ")"}), double(theta(i)), "a finite number");
}

/// Puts `values` into θ, or leaves θ as it was and throws: ShapeError for another length, ArgumentError for a number
/// that is not finite.
template <Real Scalar>
void set_parameters(const char* what, Vector<Scalar>& theta, ConstVectorRef<Scalar> values) {
  if (values.size() != theta.size())
    throw ShapeError(message({what, ": the vector given"}), "rows", values.size(), theta.size(),
                     "it belongs to a field of other widths or side inputs");
  for (Index i = 0; i < values.size(); ++i)
    if (values(i) - values(i) != Scalar(0))
      throw ArgumentError(message({what, ": parameter ", i}), double(values(i)), "a finite number");
  for (Index i = 0; i < values.size(); ++i) theta(i) = values(i);
}

}  // namespace detail

/// A `Vector` of a length that stays: a vector of another length is refused with a ShapeError, in optimised builds too,
/// and nothing has changed. A copy (`auto best = flow.parameters();`) is a vector of its own.
///
///     flow.parameters() = other.parameters();    // ShapeError unless the networks are of the same widths
///     flow.parameters().array() *= 0.5f;
///
/// Numbers that are not finite are not looked for here: densities, samples and solves refuse them (ArgumentError).
/// If θ is resized by a reference to its base class, the next solve refuses it.
template <Real Scalar>
class Parameters : public Vector<Scalar> {
  using Base = Vector<Scalar>;
  template <class T>
  static constexpr bool same_scalar = std::same_as<typename T::Scalar, Scalar>;

 public:
  explicit Parameters(Index count) : Base(count), count_(count) {}
  Parameters(const Parameters&) = default;  // also where it might move: nothing leaves a field without its θ
  ~Parameters() = default;

  Parameters& operator=(const Parameters& other) {
    require(other);
    Base::operator=(other);
    return *this;
  }
  template <class T>
  Parameters& operator=(const Eigen::EigenBase<T>& other) {
    require(other);
    if constexpr (same_scalar<T>) Base::operator=(other.derived());
    return *this;
  }
  template <class T>
  Parameters& operator+=(const Eigen::EigenBase<T>& other) {
    require(other);
    if constexpr (same_scalar<T>) Base::operator+=(other.derived());
    return *this;
  }
  template <class T>
  Parameters& operator-=(const Eigen::EigenBase<T>& other) {
    require(other);
    if constexpr (same_scalar<T>) Base::operator-=(other.derived());
    return *this;
  }
  /// A product is evaluated before it is assigned.
  Parameters& noalias() noexcept { return *this; }

  void resize(Index rows) { require_size(rows, 1); }
  void resize(Index rows, Index columns) { require_size(rows, columns); }
  void conservativeResize(Index rows) { require_size(rows, 1); }
  template <class T>
  void resizeLike(const Eigen::EigenBase<T>& other) {
    require_size(other.rows(), other.cols());
  }
  template <class T>
  void swap(Eigen::DenseBase<T>& other) {
    require(other);
    Base::swap(other.derived());
  }

  /// The vector, once it is known to be of the field's length: what a field reads.
  ///
  /// \throws ShapeError when it is not.
  [[nodiscard]] const Vector<Scalar>& checked() const {
    if (this->size() != count_) detail::require_parameter_count("parameters", this->size(), count_);
    return *this;
  }

 private:
  friend class detail::OwnParameters<Scalar>;

  Parameters(Base&& numbers, Index count) noexcept : Base(std::move(numbers)), count_(count) {}

  template <class T>
  void require(const Eigen::EigenBase<T>& other) const {
    static_assert(same_scalar<T>,
                  "parameters: float and double do not mix: give other.cast<float>() to a field of float, "
                  "other.cast<double>() to a field of double");
    if constexpr (Eigen::internal::traits<T>::RowsAtCompileTime == 1)
      require_size(other.cols(), 1);  // Eigen assigns a row to a column
    else
      require_size(other.rows(), other.cols());
  }
  void require_size(Index rows, Index columns) const {
    if (this->size() == 0) detail::require_parameter_count("parameters", 0, count_);
    if (columns != 1)
      throw ShapeError("parameters: the other vector", "columns", columns, 1, "give one column, as reshaped() does");
    if (rows != count_)
      throw ShapeError("parameters: the other vector", "rows", rows, count_,
                       "it belongs to a field of other widths or side inputs");
  }

  Index count_;
};

namespace detail {

/// The parameters as a member of a field: a field that is assigned to another takes layers and parameters of whatever
/// length with it.
template <Real Scalar>
class OwnParameters {
 public:
  explicit OwnParameters(Index count) : vector_(count) {}
  OwnParameters(const OwnParameters&) = default;
  OwnParameters(OwnParameters&& other) noexcept : vector_(std::move(base(other)), other.vector_.count_) {}
  ~OwnParameters() = default;
  OwnParameters& operator=(const OwnParameters& other) { return *this = OwnParameters(other); }
  OwnParameters& operator=(OwnParameters&& other) noexcept {
    Vector<Scalar> taken = std::move(base(other));  // leaves none there, so that the next solve by it says so
    base(*this).swap(taken);
    vector_.count_ = other.vector_.count_;
    return *this;
  }

  [[nodiscard]] Parameters<Scalar>& operator*() noexcept { return vector_; }
  [[nodiscard]] const Parameters<Scalar>& operator*() const noexcept { return vector_; }

 private:
  static Vector<Scalar>& base(OwnParameters& own) noexcept { return own.vector_; }

  Parameters<Scalar> vector_;
};

}  // namespace detail

}  // namespace pathline
