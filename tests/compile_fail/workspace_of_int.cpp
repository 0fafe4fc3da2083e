// expect: constraint
#include <pathline/core/workspace.hpp>

pathline::Workspace<int> workspace;
