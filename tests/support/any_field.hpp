/// \file
/// A field whose type is chosen at run time, so that one compiled flow serves tests over many fields.
#pragma once

#include <pathline/nn.hpp>

#include <memory>
#include <utility>
#include <vector>

namespace pathline::test {

class AnyField {
 public:
  using Scalar = double;

  template <Field F>
  explicit AnyField(F field) : self_(std::make_unique<Model<F>>(std::move(field))) {}
  AnyField(const AnyField& other) : self_(other.self_->clone()) {}
  AnyField& operator=(const AnyField& other) {
    self_ = other.self_->clone();
    return *this;
  }
  AnyField(AnyField&&) noexcept = default;
  AnyField& operator=(AnyField&&) noexcept = default;
  ~AnyField() = default;

  [[nodiscard]] Index dim() const { return self_->dim(); }
  [[nodiscard]] Index side_rows() const { return self_->side_rows(); }
  [[nodiscard]] Index widest() const { return self_->widest(); }
  [[nodiscard]] const Vector<double>& parameters() const { return std::as_const(*self_).parameters(); }
  [[nodiscard]] Vector<double>& parameters() { return self_->parameters(); }
  [[nodiscard]] Index tape_size(Index n, Index k) const { return self_->tape_size(n, k); }
  void linearize(ConstBatchRef<double> S, ConstBatchRef<double> X, Index n, BatchRef<double> Y, std::span<double> tape,
                 Workspace<double>& workspace) const {
    self_->linearize(S, X, n, Y, tape, workspace);
  }
  void pullback(ConstBatchRef<double> S, ConstBatchRef<double> X, Index n, std::span<double> tape,
                BatchRef<double> Y_bar, BatchRef<double> X_bar, BatchRef<double> S_bar, VectorRef<double> theta_bar,
                Workspace<double>& workspace) const {
    self_->pullback(S, X, n, tape, Y_bar, X_bar, S_bar, theta_bar, workspace);
  }

 private:
  struct Concept {
    Concept() = default;
    Concept(const Concept&) = default;
    Concept& operator=(const Concept&) = delete;
    Concept(Concept&&) = delete;
    Concept& operator=(Concept&&) = delete;
    virtual ~Concept() = default;
    [[nodiscard]] virtual std::unique_ptr<Concept> clone() const = 0;
    [[nodiscard]] virtual Index dim() const = 0;
    [[nodiscard]] virtual Index side_rows() const = 0;
    [[nodiscard]] virtual Index widest() const = 0;
    [[nodiscard]] virtual const Vector<double>& parameters() const = 0;
    [[nodiscard]] virtual Vector<double>& parameters() = 0;
    [[nodiscard]] virtual Index tape_size(Index n, Index k) const = 0;
    virtual void linearize(ConstBatchRef<double> S, ConstBatchRef<double> X, Index n, BatchRef<double> Y,
                           std::span<double> tape, Workspace<double>& workspace) const = 0;
    virtual void pullback(ConstBatchRef<double> S, ConstBatchRef<double> X, Index n, std::span<double> tape,
                          BatchRef<double> Y_bar, BatchRef<double> X_bar, BatchRef<double> S_bar,
                          VectorRef<double> theta_bar, Workspace<double>& workspace) const = 0;
  };
  template <class F>
  struct Model final : Concept {
    explicit Model(F f) : field(std::move(f)) {}
    [[nodiscard]] std::unique_ptr<Concept> clone() const override { return std::make_unique<Model>(field); }
    [[nodiscard]] Index dim() const override { return field.dim(); }
    [[nodiscard]] Index side_rows() const override { return field.side_rows(); }
    [[nodiscard]] Index widest() const override { return field.widest(); }
    [[nodiscard]] const Vector<double>& parameters() const override { return field.parameters(); }
    [[nodiscard]] Vector<double>& parameters() override { return field.parameters(); }
    [[nodiscard]] Index tape_size(Index n, Index k) const override { return field.tape_size(n, k); }
    void linearize(ConstBatchRef<double> S, ConstBatchRef<double> X, Index n, BatchRef<double> Y,
                   std::span<double> tape, Workspace<double>& workspace) const override {
      field.linearize(S, X, n, Y, tape, workspace);
    }
    void pullback(ConstBatchRef<double> S, ConstBatchRef<double> X, Index n, std::span<double> tape,
                  BatchRef<double> Y_bar, BatchRef<double> X_bar, BatchRef<double> S_bar, VectorRef<double> theta_bar,
                  Workspace<double>& workspace) const override {
      field.pullback(S, X, n, tape, Y_bar, X_bar, S_bar, theta_bar, workspace);
    }
    F field;
  };

  std::unique_ptr<Concept> self_;
};

/// Named fields z' = f(t, z), one per activation of the math room.
template <class... Sigma>
[[nodiscard]] std::vector<AnyField> fields_of(Index dim, const std::vector<Index>& hidden, std::uint64_t seed) {
  std::vector<AnyField> fields;
  const auto add = [&]<class S>(S*) {
    Rng rng(seed);
    fields.emplace_back(Mlp<double, S>(dim, hidden, rng));
  };
  (add(static_cast<Sigma*>(nullptr)), ...);
  return fields;
}

}  // namespace pathline::test
