/// \file
/// A formula of one's own as a layer, its derivatives found by the library.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/math/dual.hpp>
#include <pathline/math/reverse_tape.hpp>
#include <pathline/math/slope_vectors.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/nn/layer.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <new>
#include <span>
#include <string>
#include <utility>

namespace pathline {

/// Numbers in a row that another object owns: a[i] and a(i), i = 0 … size() - 1, bounds checked as Eigen's are.
template <class T>
class Numbers {
 public:
  Numbers(T* data, Index size) : data_(data), size_(size) {}
  [[nodiscard]] Index size() const noexcept { return size_; }
  [[nodiscard]] T& operator[](Index i) const noexcept {
    eigen_assert(0 <= i && i < size_);
    return data_[i];
  }
  [[nodiscard]] T& operator()(Index i) const noexcept { return (*this)[i]; }

 private:
  T* data_;
  Index size_;
};

/// function(t, y, p, dy) writes dy, d numbers, of the time t, d numbers y and the parameters p. All are of one type T,
/// which the function leaves open: float, double, or a number with derivatives (math/dual.hpp); y and p are
/// `Numbers<const T>`, dy is `Numbers<T>`. It may branch on values: its derivatives are then those of the branch taken.
template <class Function, class T>
concept DifferentiableFunction = requires(const Function function, const T t, const Numbers<const T> y, Numbers<T> dy) {
  function(t, y, y, dy);
};

namespace detail {

/// Derivatives that are carried forward at a time.
inline constexpr int function_lanes = 8;

/// For every type of number that a solve or a gradient calls it with.
template <class Function, class S>
concept FunctionOfAllNumbers = DifferentiableFunction<Function, S> &&
    DifferentiableFunction<Function, Dual<S, function_lanes>> && DifferentiableFunction<Function, TapedNumber<S>>;

}  // namespace detail

/// A layer from d rows to d rows. Derivatives by up to 24 numbers (y, p and t) are carried forward with the values, 8
/// at a time; by more they are found backwards over a tape. Both are exact.
template <class Function, Real S>
class FunctionLayer {
  static constexpr int lanes = detail::function_lanes;
  using Forward = Dual<S, lanes>;
  using Tangent = Dual<S, 1>;
  static_assert(detail::FunctionOfAllNumbers<Function, S>,
                "differentiable: the function must take (t, y, p, dy) and write dy[i], for numbers of any type");

 public:
  using Scalar = S;

  /// \param dim      Numbers in y and dy.
  /// \param initial  The parameters from which a field starts.
  /// \throws ArgumentError for a dim below 1, or a parameter that is not finite.
  FunctionLayer(Function function, Index dim, Vector<Scalar> initial)
      : function_(std::move(function)), dim_(dim), initial_(std::move(initial)) {
    if (dim < 1) throw ArgumentError("differentiable: dim", dim, "at least 1");
    for (Index i = 0; i < initial_.size(); ++i)
      if (!std::isfinite(initial_(i)))
        throw ArgumentError("differentiable: parameter " + std::to_string(i), double(initial_(i)), "a finite number");
  }

  [[nodiscard]] const Function& function() const noexcept { return function_; }
  [[nodiscard]] Index in_rows() const noexcept { return dim_; }
  [[nodiscard]] Index out_rows() const noexcept { return dim_; }
  [[nodiscard]] Index side_rows() const noexcept { return 1; }
  [[nodiscard]] Index widest() const noexcept { return dim_; }
  [[nodiscard]] Index parameter_count() const noexcept { return initial_.size(); }
  [[nodiscard]] Index tape_size(Index /*n*/, Index /*k*/) const noexcept { return 0; }
  void initialize(VectorRef<Scalar> theta, Rng& /*rng*/) const { theta = initial_; }

  void linearize(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S_, ConstBatchRef<Scalar> X, Index n,
                 BatchRef<Scalar> Y, std::span<Scalar> /*tape*/, Workspace<Scalar>& workspace) const {
    const View<const Scalar> side(S_), x(X), p(theta);
    const View<Scalar> y(Y);
    const Index k = x.cols() / n - 1;
    if (k == 0) {
      detail::fill<Scalar>(y, std::numeric_limits<Scalar>::quiet_NaN());  // shows what the function does not write
      const Scalar *t = side.data(), *state = x.data();
      Scalar* slope = y.data();
      const Index next_t = side.cols() == 1 ? 0 : side.stride(), next_state = x.stride(), next_slope = y.stride();
      for (Index j = n; j-- > 0; t += next_t, state += next_state, slope += next_slope)
        call(*t, state, p.data(), slope);
      return;
    }
    typename Workspace<Scalar>::Frame frame(workspace);
    const Evaluation<Forward> numbers(*this, frame);
    for (Index j = 0; j < n; ++j)
      for (Index first = 0; first < k; first += lanes) {
        const Index count = std::min<Index>(lanes, k - first);
        numbers.set(time(side, j), x.col(j), p);
        for (Index c = 0; c < count; ++c) {
          const Index column = (1 + first + c) * n + j;
          if (side.cols() == x.cols()) numbers.time->slope[std::size_t(c)] = side(0, column);
          for (Index i = 0; i < dim_; ++i) numbers.y[i].slope[std::size_t(c)] = x(i, column);
        }
        numbers.evaluate(*this);
        for (Index i = 0; i < dim_; ++i) {
          y(i, j) = numbers.dy[i].value;
          for (Index c = 0; c < count; ++c) y(i, (1 + first + c) * n + j) = numbers.dy[i].slope[std::size_t(c)];
        }
      }
  }

  void pullback(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S_, ConstBatchRef<Scalar> X, Index n,
                std::span<Scalar> /*tape*/, BatchRef<Scalar> Y_bar, BatchRef<Scalar> X_bar, BatchRef<Scalar> S_bar,
                VectorRef<Scalar> theta_bar, Workspace<Scalar>& workspace) const {
    const Pullback<View<const Scalar>, View<Scalar>> views{S_,    X,     theta, n,        X.cols() / n - 1,
                                                           Y_bar, X_bar, S_bar, theta_bar};
    detail::fill<Scalar>(views.x_bar, 0);
    if (inputs() <= 3 * lanes)
      pull_back_forward(views, workspace);
    else
      pull_back_by_tape(views, workspace);
  }

 private:
  template <class T>
  void call(const T& t, const T* y, const T* p, T* dy) const {
    const Numbers<const T> state(y, dim_), parameters(p, parameter_count());
    Numbers<T> slope(dy, dim_);
    function_(t, state, parameters, slope);
  }

  /// What may have a derivative: y, p and t, in this order.
  [[nodiscard]] Index inputs() const { return dim_ + parameter_count() + 1; }
  [[nodiscard]] static Scalar time(View<const Scalar> side, Index j) { return side(0, side.cols() == 1 ? 0 : j); }

  template <class In, class Out>
  struct Pullback {
    In side, x, p;
    Index n, k;
    In y_bar;
    Out x_bar, side_bar, p_bar;

    /// Adds the cotangent of input m of sample j, in its values for c = 0 and in its tangent c otherwise.
    void add(Index m, Index j, Index c, Scalar bar) const {
      const Index d = x.rows(), q = p.size();
      if (m < d)
        x_bar(m, c * n + j) += bar;
      else if (m < d + q)
        p_bar(m - d) += c == 0 ? bar : Scalar(0);
      else if (side.cols() == x.cols())
        side_bar(0, c * n + j) += bar;
      else if (c == 0)
        side_bar(0, side.cols() == 1 ? 0 : j) += bar;
    }
  };

  /// Arguments and result of one evaluation with numbers of type T, in memory of a frame.
  template <class T>
  struct Evaluation {
    T *time, *y, *p, *dy;
    Index d, q;

    Evaluation(const FunctionLayer& layer, typename Workspace<Scalar>::Frame& frame)
        : d(layer.dim_), q(layer.parameter_count()) {
      static_assert(sizeof(T) % sizeof(Scalar) == 0 && alignof(T) <= 64);
      const Index count = 1 + 2 * d + q;
      Scalar* const memory = frame.scalars(count * Index(sizeof(T) / sizeof(Scalar))).data();
      time = reinterpret_cast<T*>(memory);
      for (Index i = 0; i < count; ++i) new (time + i) T();
      y = time + 1;
      p = y + d;
      dy = p + q;
    }
    /// Values, without derivatives.
    void set(Scalar t, View<const Scalar> values, View<const Scalar> parameters) const {
      *time = T(t);
      for (Index i = 0; i < d; ++i) y[i] = T(values(i));
      for (Index i = 0; i < q; ++i) p[i] = T(parameters(i));
      forget();
    }
    /// No result of another sample is left where the function writes none.
    void forget() const {
      for (Index i = 0; i < d; ++i) dy[i] = T(std::numeric_limits<Scalar>::quiet_NaN());
    }
    /// The values of another sample; derivatives stay.
    void set_values(Scalar t, const Scalar* values) const {
      time->value = t;
      const T nothing(std::numeric_limits<Scalar>::quiet_NaN());
      for (Index i = 0; i < d; ++i) {
        y[i].value = values[i];
        dy[i] = nothing;
      }
    }
    /// Input m, as add() above counts them.
    [[nodiscard]] T& input(Index m) const { return m < d + q ? y[m] : *time; }
    void evaluate(const FunctionLayer& layer) const { layer.call(*time, y, p, dy); }
  };

  /// ⟨Ȳ, dY⟩ along each input, a few inputs at a time.
  template <class Views>
  void pull_back_forward(const Views& views, Workspace<Scalar>& workspace) const {
    for (Index first = 0; first < inputs(); first += lanes) {
      if (views.k == 0)
        pull_back_values(views, first, workspace);
      else
        pull_back_tangents(views, first, workspace);
    }
  }

  using Lanes = std::array<Scalar, std::size_t(lanes)>;

  /// out_c = bar_c for the first `count` of them, one after the other: the compiler would turn a loop into a call of
  /// memcpy.
  static void store_first(const Lanes& bar, Index count, Scalar* out) {
    [&]<std::size_t... C>(std::index_sequence<C...>) { (void)((Index(C) < count && (out[C] = bar[C], true)) && ...); }
    (std::make_index_sequence<std::size_t(lanes)>());
  }

  /// The cotangents of up to `lanes` inputs from `first` on.
  template <class Views>
  void pull_back_values(const Views& views, Index first, Workspace<Scalar>& workspace) const {
    const Index count = std::min<Index>(lanes, inputs() - first), d = dim_, n = views.n;
    const Index of_sample = std::clamp<Index>(d - first, 0, count);
    const bool times = first + count == inputs() && views.side.cols() > 1;  // each sample has its own, the last lane
    typename Workspace<Scalar>::Frame frame(workspace);
    const Evaluation<Forward> numbers(*this, frame);
    numbers.set(time(views.side, 0), views.x.col(0), views.p);
    for (Index c = 0; c < count; ++c) numbers.input(first + c).slope[std::size_t(c)] = Scalar(1);
    Lanes sum{};  // over all samples
    // All that the loop reads is in variables of this function: no call of the formula can change it.
    const Scalar *t = views.side.data(), *x = views.x.data(), *y_bar = views.y_bar.data();
    Scalar *x_bar = views.x_bar.data() + first, *t_bar = views.side_bar.data();
    const Index next_t = views.side.cols() == 1 ? 0 : views.side.stride(), next_t_bar = views.side_bar.stride();
    const Index next_x = views.x.stride(), next_y_bar = views.y_bar.stride(), next_x_bar = views.x_bar.stride();
    for (Index j = n; j-- > 0; t += next_t, x += next_x, y_bar += next_y_bar, x_bar += next_x_bar) {
      numbers.set_values(*t, x);
      numbers.evaluate(*this);
      Lanes bar{};
      for (Index i = 0; i < d; ++i)
        if (const Scalar weight = y_bar[i]; weight != 0)  // without a cotangent an infinite slope counts for nothing
          detail::for_slopes(
              bar, [weight](const auto& b, const auto& slope) { return b + weight * slope; }, bar, numbers.dy[i].slope);
      detail::for_slopes(
          sum, [](const auto& a, const auto& b) { return a + b; }, sum, bar);
      store_first(bar, of_sample, x_bar);
      if (times) {
        *t_bar += bar[std::size_t(count - 1)];
        t_bar += next_t_bar;
      }
    }
    for (Index c = 0; c < count; ++c) {
      const Index m = first + c;
      if (m >= dim_ && m < inputs() - 1) views.p_bar(m - dim_) += sum[std::size_t(c)];
      if (m == inputs() - 1 && views.side.cols() == 1) views.side_bar(0, 0) += sum[std::size_t(c)];
    }
  }

  /// The same where there are tangents: of each the derivative along the inputs, too.
  template <class Views>
  void pull_back_tangents(const Views& views, Index first, Workspace<Scalar>& workspace) const {
    const Index count = std::min<Index>(lanes, inputs() - first);
    const bool time_moves = views.side.cols() == views.x.cols();
    typename Workspace<Scalar>::Frame frame(workspace);
    const Evaluation<Dual<Tangent, lanes>> numbers(*this, frame);
    numbers.set(time(views.side, 0), views.x.col(0), views.p);
    for (Index c = 0; c < count; ++c) numbers.input(first + c).slope[std::size_t(c)] = Tangent(Scalar(1));
    for (Index j = 0; j < views.n; ++j)
      for (Index tangent = 1; tangent <= views.k; ++tangent) {
        const Index column = tangent * views.n + j;
        numbers.time->value = Tangent(time(views.side, j));
        if (time_moves) numbers.time->value.slope[0] = views.side(0, column);
        for (Index i = 0; i < dim_; ++i) {
          numbers.y[i].value.value = views.x(i, j);
          numbers.y[i].value.slope[0] = views.x(i, column);
        }
        numbers.forget();
        numbers.evaluate(*this);
        for (Index c = 0; c < count; ++c) {
          Scalar bar(0), tangent_bar(0);
          for (Index i = 0; i < dim_; ++i) {
            const Tangent& slope = numbers.dy[i].slope[std::size_t(c)];
            const Scalar of_value = views.y_bar(i, j), of_tangent = views.y_bar(i, column);
            bar += detail::product_or_zero(slope.slope[0], of_tangent);
            if (tangent == 1) bar += detail::product_or_zero(slope.value, of_value);
            tangent_bar += detail::product_or_zero(slope.value, of_tangent);
          }
          views.add(first + c, j, 0, bar);
          views.add(first + c, j, tangent, tangent_bar);
        }
      }
  }

  /// One sweep over the operations of the evaluation, for all inputs.
  template <class Views>
  void pull_back_by_tape(const Views& views, Workspace<Scalar>& workspace) const {
    typename Workspace<Scalar>::Frame frame(workspace);
    if (views.k == 0) {
      const Index d = dim_, q = parameter_count();
      sweep<Scalar>(
          views, frame, [](Scalar value, Index, Index) { return value; },
          [&](Index i, Index j) { return views.y_bar(i, j); },
          [&](const Scalar* bars, Index j) {
            Scalar *const x_bar = views.x_bar.col(j).data(), *const p_bar = views.p_bar.data();
            for (Index i = 0; i < d; ++i) x_bar[i] += bars[i];
            for (Index i = 0; i < q; ++i) p_bar[i] += bars[d + i];
            views.side_bar(0, views.side.cols() == 1 ? 0 : j) += bars[d + q];
          });
      return;
    }
    // With tangents the derivatives carry one: of the cotangent (v̄, x̄), v̄ goes along and x̄ with its tangent.
    for (Index tangent = 1; tangent <= views.k; ++tangent)
      sweep<Tangent>(
          views, frame,
          [&](Scalar value, Index m, Index j) {
            Tangent number(value);
            const Index column = tangent * views.n + j;
            if (m < dim_)
              number.slope[0] = views.x(m, column);
            else if (m == inputs() - 1 && views.side.cols() == views.x.cols())
              number.slope[0] = views.side(0, column);
            return number;
          },
          [&](Index i, Index j) {
            Tangent bar(views.y_bar(i, tangent * views.n + j));
            bar.slope[0] = tangent == 1 ? views.y_bar(i, j) : Scalar(0);
            return bar;
          },
          [&](const Tangent* bars, Index j) {
            for (Index m = 0; m < inputs(); ++m) {
              views.add(m, j, 0, bars[m].slope[0]);
              views.add(m, j, tangent, bars[m].value);
            }
          });
  }

  /// For each sample j: start(value, m, j) is input m, bar(i, j) the cotangent of result i, and add(bars, j) takes
  /// those of all inputs.
  template <class T, class Views, class Start, class Bar, class Add>
  void sweep(const Views& views, typename Workspace<Scalar>::Frame& frame, const Start& start, const Bar& bar,
             const Add& add) const {
    static thread_local ReverseTape<T> memory;  // kept from call to call
    ReverseTape<T>& tape = memory;
    const Evaluation<TapedNumber<T>> numbers(*this, frame);
    numbers.set(time(views.side, 0), views.x.col(0), views.p);
    // The inputs are variables once and for all. Those of the samples get their values, the operations start anew.
    tape.clear();
    const Index m = inputs(), d = dim_;
    for (Index i = 0; i < m; ++i) {
      TapedNumber<T>& number = numbers.input(i);
      number = TapedNumber<T>(start(detail::plain_value(number), i, 0), tape);
    }
    const std::size_t inputs_alone = tape.mark(), first = numbers.input(0).place;
    for (Index j = 0; j < views.n; ++j) {
      tape.rewind(inputs_alone);
      numbers.forget();
      for (Index i = 0; i < d; ++i) numbers.y[i].value = start(views.x(i, j), i, j);
      numbers.time->value = start(time(views.side, j), m - 1, j);
      numbers.evaluate(*this);
      tape.start();
      for (Index i = 0; i < d; ++i)
        if (numbers.dy[i].tape != nullptr) tape.bar(numbers.dy[i].place) += bar(i, j);
      tape.sweep();
      add(&tape.bar(first), j);
    }
  }

  Function function_;
  Index dim_;
  Vector<Scalar> initial_;
};

template <class Function, Real S>
inline constexpr bool tape_optional<FunctionLayer<Function, S>> = true;

}  // namespace pathline
