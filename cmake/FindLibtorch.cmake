# Finds libtorch, which only tests and benchmarks use: the target Libtorch::Libtorch. Debian's own TorchConfig.cmake looks for
# CUDA libraries and forces C++14 on its users, so the headers and three libraries are looked up here.
find_path(Libtorch_INCLUDE_DIR torch/csrc/autograd/variable.h)
find_path(Libtorch_API_INCLUDE_DIR torch/torch.h PATH_SUFFIXES torch/csrc/api/include)
find_library(Libtorch_torch_LIBRARY torch)
find_library(Libtorch_cpu_LIBRARY torch_cpu)
find_library(Libtorch_c10_LIBRARY c10)
set(ct_version_file "${Libtorch_INCLUDE_DIR}/torch/csrc/api/include/torch/version.h")
if(EXISTS "${ct_version_file}")
  file(STRINGS "${ct_version_file}" Libtorch_VERSION REGEX "define TORCH_VERSION_(MAJOR|MINOR|PATCH) ")
  string(REGEX MATCHALL "[0-9]+" Libtorch_VERSION "${Libtorch_VERSION}")
  list(JOIN Libtorch_VERSION "." Libtorch_VERSION)
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Libtorch
  REQUIRED_VARS Libtorch_torch_LIBRARY Libtorch_cpu_LIBRARY Libtorch_c10_LIBRARY Libtorch_INCLUDE_DIR Libtorch_API_INCLUDE_DIR
  VERSION_VAR Libtorch_VERSION)
mark_as_advanced(Libtorch_INCLUDE_DIR Libtorch_API_INCLUDE_DIR Libtorch_torch_LIBRARY Libtorch_cpu_LIBRARY Libtorch_c10_LIBRARY)

if(Libtorch_FOUND AND NOT TARGET Libtorch::Libtorch)
  add_library(Libtorch::Libtorch INTERFACE IMPORTED)
  target_include_directories(Libtorch::Libtorch SYSTEM INTERFACE "${Libtorch_INCLUDE_DIR}" "${Libtorch_API_INCLUDE_DIR}")
  target_link_libraries(Libtorch::Libtorch INTERFACE
    "${Libtorch_torch_LIBRARY}" "${Libtorch_cpu_LIBRARY}" "${Libtorch_c10_LIBRARY}")
endif()
