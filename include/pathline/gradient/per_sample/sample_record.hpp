/// \file
/// The record of samples with steps of their own: where each accepted step of each of them starts, and where the
/// outputs lie. Trials that were rejected leave nothing, and no tape is kept: one belongs to all columns of a call, of
/// which some were rejected, and may hold what is not finite.
#pragma once

#include <pathline/core/types.hpp>

#include <cstddef>
#include <span>
#include <vector>

namespace pathline::detail {

template <Real S>
class SampleRecord {
 public:
  /// An accepted step from t to t_next = t + h, to rounding; `before` is the number of the same sample's step before,
  /// -1 where there is none.
  struct Step {
    double t, h, t_next;
    Index before;
    /// When the stage of node c was evaluated.
    [[nodiscard]] double time(double c) const noexcept { return c == 1 ? t_next : t + c * h; }
  };
  /// An output after so many steps of the sample: at their end for theta = 0, else inside of the step after them.
  struct Output {
    Index after;
    double theta;
  };

  /// Forgets all, keeps its memory. Each sample must be added, in order.
  void start(Index rows) {
    rows_ = rows;
    steps_.clear();
    states_.clear();
    ends_.clear();
    samples_.clear();
    outputs_.clear();
  }
  void add_sample(std::size_t outputs) {
    samples_.push_back({outputs_.size(), outputs});
    outputs_.resize(outputs_.size() + outputs);
    ends_.resize(ends_.size() + std::size_t(rows_));
  }

  /// Its next step, from t and y (rows).
  void accept(Index sample, double t, double h, double t_next, const S* y) {
    steps_.push_back({t, h, t_next, of(sample).last});
    states_.insert(states_.end(), y, y + rows_);
    of(sample).last = Index(steps_.size()) - 1;
  }
  /// What counts them where they are not kept.
  void count_step(Index sample) { ++of(sample).steps; }
  /// Its next output, after the steps counted so far, and the state there.
  void output(Index sample, double theta, const S* y) {
    Sample& one = of(sample);
    outputs_[one.first + one.written++] = {one.steps, theta};
    if (one.written == one.outputs)
      for (Index i = 0; i < rows_; ++i) ends_[std::size_t(sample * rows_ + i)] = y[i];
  }

  /// Room for a state, free for whoever writes outputs.
  [[nodiscard]] Vector<S>& scratch() { return scratch_; }

  [[nodiscard]] Index samples() const { return Index(samples_.size()); }
  [[nodiscard]] Index steps(Index sample) const { return of(sample).steps; }
  [[nodiscard]] std::size_t written(Index sample) const { return of(sample).written; }
  [[nodiscard]] std::span<const Output> outputs(Index sample) const {
    return std::span<const Output>(outputs_).subspan(of(sample).first, of(sample).written);
  }
  /// The number of its last step, -1 where there is none.
  [[nodiscard]] Index last(Index sample) const { return of(sample).last; }
  [[nodiscard]] const Step& step(Index number) const { return steps_[std::size_t(number)]; }
  /// Where that step starts.
  [[nodiscard]] const S* state(Index number) const { return states_.data() + number * rows_; }
  /// The state at its last output.
  [[nodiscard]] const S* end(Index sample) const { return ends_.data() + sample * rows_; }

 private:
  struct Sample {
    std::size_t first, outputs, written = 0;
    Index steps = 0, last = -1;
  };
  [[nodiscard]] Sample& of(Index sample) { return samples_[std::size_t(sample)]; }
  [[nodiscard]] const Sample& of(Index sample) const { return samples_[std::size_t(sample)]; }

  Index rows_ = 0;
  std::vector<Step> steps_;
  std::vector<S> states_, ends_;
  std::vector<Sample> samples_;
  std::vector<Output> outputs_;
  Vector<S> scratch_;
};

}  // namespace pathline::detail
