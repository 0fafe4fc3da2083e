// expect: Backpropagation: the first argument must be a RecordStorage: KeepTapes or RecomputeStages
#include <pathline/gradient.hpp>
#include <pathline/ode.hpp>

pathline::Backpropagation<pathline::ErrorEstimateCost<pathline::Dopri5>> gradient;
