// expect: Backpropagation: the first argument must be a RecordStorage: KeepTapes or RecomputeStages, or Checkpoints or MemoryBudget
#include <pathline/gradient.hpp>
#include <pathline/ode.hpp>

pathline::Backpropagation<pathline::ErrorEstimateCost<pathline::Dopri5>> gradient;
