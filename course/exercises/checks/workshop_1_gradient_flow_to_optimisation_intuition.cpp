// checks/workshop_1_gradient_flow_to_optimisation_intuition.cpp -- the learner's file of workshop 1, under the marking.
#include "exercises/checks/program.h"
#include "exercises/checks/workshop.h"

#define main workshop_main
#include CT_EXERCISE_FILE
#undef main

int main() { return exercise::mark_workshop(exercise::workshop_1(), workshop_main, CT_EXERCISE_FILE); }
