// checks/workshop_3_from_local_steps_to_trajectories.cpp -- the learner's file of workshop 3, under the marking.
#include "exercises/checks/program.h"
#include "exercises/checks/workshop.h"

#define main workshop_main
#include CT_EXERCISE_FILE
#undef main

int main() { return exercise::mark_workshop(exercise::workshop_3(), workshop_main, CT_EXERCISE_FILE); }
