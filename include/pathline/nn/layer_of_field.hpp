/// \file
/// From a field back to the layer that it is made of, so that fields can be parts of others whose parameters are one
/// vector again.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/nn/layer.hpp>
#include <pathline/nn/network.hpp>

#include <concepts>
#include <initializer_list>
#include <span>
#include <string>
#include <utility>

namespace pathline::detail {

/// A field without parameters, as a layer.
template <Field F>
class FieldWithoutParameters {
 public:
  using Scalar = typename F::Scalar;

  explicit FieldWithoutParameters(F field) : field_(std::move(field)) {}

  [[nodiscard]] const F& field() const noexcept { return field_; }
  [[nodiscard]] Index in_rows() const { return field_.dim(); }
  [[nodiscard]] Index out_rows() const { return field_.dim(); }
  [[nodiscard]] Index side_rows() const { return field_.side_rows(); }
  [[nodiscard]] Index widest() const { return field_.widest(); }
  [[nodiscard]] Index parameter_count() const noexcept { return 0; }
  [[nodiscard]] Index tape_size(Index n, Index k) const { return field_.tape_size(n, k); }
  void initialize(VectorRef<Scalar> /*theta*/, Rng& /*rng*/) const noexcept {}

  void linearize(ConstVectorRef<Scalar> /*theta*/, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n,
                 BatchRef<Scalar> Y, std::span<Scalar> tape, Workspace<Scalar>& workspace) const {
    field_.linearize(S, X, n, Y, tape, workspace);
  }
  void pullback(ConstVectorRef<Scalar> /*theta*/, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n,
                std::span<Scalar> tape, BatchRef<Scalar> Y_bar, BatchRef<Scalar> X_bar, BatchRef<Scalar> S_bar,
                VectorRef<Scalar> theta_bar, Workspace<Scalar>& workspace) const {
    field_.pullback(S, X, n, tape, Y_bar, X_bar, S_bar, theta_bar, workspace);
  }

 private:
  F field_;
};

/// The layer that reads a field's parameters, which a field that owns one names by a specialisation beside it. A class
/// that is derived from such a field has no layer here, since it may compute something else.
template <class F>
struct LayerOfField {
  using type = FieldWithoutParameters<F>;
};
template <class L>
struct LayerOfField<Network<L>> {
  using type = L;
};
template <class F>
using LayerOf = typename LayerOfField<F>::type;

/// \throws ArgumentError for a field with parameters of which no layer is known.
template <Field F>
[[nodiscard]] LayerOf<F> layer_of(const char* what, const F& field) {
  if constexpr (std::same_as<LayerOf<F>, FieldWithoutParameters<F>>) {
    if (field.parameters().size() > 0)
      throw ArgumentError(std::string(what) + ": number of parameters of a field of the program's own",
                          field.parameters().size(),
                          "0: write one with parameters as a layer (nn/layer.hpp), and give a Network of it");
    return LayerOf<F>(field);
  } else {
    return field.layer();
  }
}

/// One after another.
template <Real Scalar>
[[nodiscard]] Vector<Scalar> joined_parameters(std::initializer_list<const Vector<Scalar>*> parts) {
  Index size = 0, offset = 0;
  for (const Vector<Scalar>* part : parts) size += part->size();
  Vector<Scalar> result(size);
  for (const Vector<Scalar>* part : parts) {
    result.segment(offset, part->size()) = *part;
    offset += part->size();
  }
  return result;
}

}  // namespace pathline::detail
