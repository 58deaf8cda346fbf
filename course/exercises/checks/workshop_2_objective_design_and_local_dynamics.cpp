// checks/workshop_2_objective_design_and_local_dynamics.cpp -- the learner's file of workshop 2, under the marking.
#include "exercises/checks/program.h"
#include "exercises/checks/workshop.h"

#define main workshop_main
#include CT_EXERCISE_FILE
#undef main

int main() { return exercise::mark_workshop(exercise::workshop_2(), workshop_main, CT_EXERCISE_FILE); }
