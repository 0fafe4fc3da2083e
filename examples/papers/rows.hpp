/// \file
/// The rows of docs/papers.md. Each is a source file of this folder with one function, which reads its own options
/// (setting.hpp has those that all share) and is listed in main.cpp.
#pragma once

namespace examples::papers {

void classifier(int argc, char** argv);
void latent_spiral(int argc, char** argv);
void steer_stiff(int argc, char** argv);
void steer_series(int argc, char** argv);
void tabular(int argc, char** argv);

}  // namespace examples::papers
