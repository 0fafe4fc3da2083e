// expect: fit: with a checkpoint or RollBack, the Memory of a batch source needs state(visit)
#include <pathline/io/checkpoint.hpp>
#include <pathline/train/fit.hpp>

#include "fit_model.hpp"
#include "forgetful_source.hpp"

void train(Model& model, pathline::Rng& rng) {
  pathline::fit(model, Walk{}, {.epochs = 2}, rng, pathline::io::Checkpoint{.path = "run"});
}
