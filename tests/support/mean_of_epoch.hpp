/// \file
/// Loss and gradient of one epoch of a batch source, from its mini-batches.
#pragma once

#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>

#include <algorithm>

namespace pathline::test {

struct EpochMean {
  double loss = 0;
  Vector<double> gradient;
};

/// Over all samples of the source, once, five at a time: what `evaluate(mini-batch)` returns, weighted by its size.
template <class Source, class Evaluate>
EpochMean mean_of_epoch(const Source& source, const Evaluate& evaluate) {
  Rng rng(3);
  typename Source::Memory memory;
  source.start_epoch(rng, memory);
  const Index n = source.samples();
  EpochMean mean;
  for (Index first = 0; first < n; first += 5) {
    const Index count = std::min<Index>(5, n - first);
    const auto& loss = evaluate(source.batch(first, count, rng, memory));
    const double share = double(count) / double(n);
    mean.loss += share * loss.loss;
    if (first == 0) mean.gradient.setZero(loss.gradient.size());
    mean.gradient += share * loss.gradient;
  }
  return mean;
}

}  // namespace pathline::test
