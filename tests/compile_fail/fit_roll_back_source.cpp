// expect: fit: with a checkpoint or RollBack, the Memory of a batch source needs state(visit)
#include <pathline/train/fit.hpp>
#include <pathline/train/step/roll_back.hpp>

#include "fit_model.hpp"
#include "forgetful_source.hpp"

void train(Model& model, pathline::Rng& rng) { pathline::fit(model, Walk{}, {.epochs = 2}, rng, pathline::RollBack{}); }
