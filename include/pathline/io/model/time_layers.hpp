/// \file
/// Layers around layers that change how time enters, and control signals, in files.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/io/model/described.hpp>
#include <pathline/io/model/description.hpp>
#include <pathline/io/model/model_reader.hpp>
#include <pathline/nn/time/autonomous.hpp>
#include <pathline/nn/time/controlled.hpp>
#include <pathline/nn/time/interpolants.hpp>
#include <pathline/nn/time/learned_end_time.hpp>
#include <pathline/nn/time/time_embedding.hpp>
#include <pathline/nn/time/time_gain.hpp>

#include <string_view>
#include <vector>

namespace pathline::io {

template <class L>
struct Described<Autonomous<L>> {
  static constexpr std::string_view name = "Autonomous";
  static void describe(const Autonomous<L>& layer, Description& out) { out.part("layer", layer.layer()); }
  static Autonomous<L> read(ModelReader& in) { return Autonomous<L>(in.part<L>("layer").value()); }
};

/// `gain` is [a, b].
template <class L>
struct Described<TimeGain<L>> {
  static constexpr std::string_view name = "TimeGain";
  static void describe(const TimeGain<L>& layer, Description& out) {
    out.part("layer", layer.layer());
    out.parameter("gain", 2);
  }
  static TimeGain<L> read(ModelReader& in) { return TimeGain<L>(in.part<L>("layer").value()); }
};

/// `log_length` is τ, the logarithm of the length of the interval.
template <class L>
struct Described<LearnedEndTime<L>> {
  static constexpr std::string_view name = "LearnedEndTime";
  static void describe(const LearnedEndTime<L>& layer, Description& out) {
    out.setting("start", layer.start());
    out.setting("initial_end", layer.initial_end());
    out.part("layer", layer.layer());
    out.parameter("log_length", 1);
  }
  static LearnedEndTime<L> read(ModelReader& in) {
    const auto start = in.setting<double>("start"), end = in.setting<double>("initial_end");
    return LearnedEndTime<L>(in.part<L>("layer").value(), end, start);
  }
};

template <class L>
struct Described<TimeEmbedding<L>> {
  static constexpr std::string_view name = "TimeEmbedding";
  static void describe(const TimeEmbedding<L>& layer, Description& out) {
    out.size("frequencies", layer.frequencies());
    out.setting("lowest", layer.lowest());
    out.setting("ratio", layer.ratio());
    out.part("layer", layer.layer());
  }
  static TimeEmbedding<L> read(ModelReader& in) {
    const Index frequencies = in.size("frequencies");
    const auto lowest = in.setting<double>("lowest"), ratio = in.setting<double>("ratio");
    return TimeEmbedding<L>(in.part<L>("layer").value(), frequencies, lowest, ratio);
  }
};

template <class L, class U>
struct Described<Controlled<L, U>> {
  static constexpr std::string_view name = "Controlled";
  static void describe(const Controlled<L, U>& layer, Description& out) {
    out.part("layer", layer.layer());
    out.part("signal", layer.signal());
  }
  static Controlled<L, U> read(ModelReader& in) {
    auto layer = in.part<L>("layer");
    auto signal = in.part<U>("signal");
    return Controlled<L, U>(layer.value(), signal.value());
  }
};

namespace detail {

[[nodiscard]] inline Vector<double> column_of(const std::vector<double>& numbers) {
  return ConstVectorMap<double>(numbers.data(), Index(numbers.size()));
}
[[nodiscard]] inline std::vector<double> list_of(const Vector<double>& column) {
  return {column.data(), column.data() + column.size()};
}

}  // namespace detail

template <class Scalar>
struct Described<LinearInterpolant<Scalar>> {
  static constexpr std::string_view name = "LinearInterpolant";
  static void describe(const LinearInterpolant<Scalar>& signal, Description& out) {
    out.tensor("times", detail::column_of(signal.times()));
    out.tensor("values", signal.values());
  }
  static LinearInterpolant<Scalar> read(ModelReader& in) {
    const auto times = in.vector<double>("times");
    return {detail::list_of(times), in.matrix<Scalar>("values")};
  }
};
template <class Scalar>
struct Described<CubicInterpolant<Scalar>> {
  static constexpr std::string_view name = "CubicInterpolant";
  static void describe(const CubicInterpolant<Scalar>& signal, Description& out) {
    out.tensor("times", detail::column_of(signal.times()));
    out.tensor("values", signal.values());
    out.tensor("slopes", signal.slopes());
  }
  static CubicInterpolant<Scalar> read(ModelReader& in) {
    const auto times = in.vector<double>("times");
    const auto values = in.matrix<Scalar>("values"), slopes = in.matrix<Scalar>("slopes");
    return {detail::list_of(times), values, slopes};
  }
};

}  // namespace pathline::io
