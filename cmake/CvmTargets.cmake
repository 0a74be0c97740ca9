# How every target of this project is built.

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()

option(CVM_WERROR "treat compiler warnings as errors" OFF)
set(CVM_SANITIZE "" CACHE STRING "sanitizers to build with, e.g. address,undefined")
option(CVM_FUZZ "build the fuzz targets (clang only)" OFF)

find_program(CVM_CCACHE ccache)
if(CVM_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CVM_CCACHE})
endif()

add_library(cv_options INTERFACE)
target_compile_features(cv_options INTERFACE cxx_std_20)
target_include_directories(cv_options INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_definitions(cv_options INTERFACE _FILE_OFFSET_BITS=64)
target_compile_options(cv_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion
                       -Wno-sign-conversion -Wnon-virtual-dtor -Woverloaded-virtual -Wold-style-cast
                       -fstack-protector-strong)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # Wrong at -O2 and -O3 with g++ 12 (GCC bug 105329 and its kin).
  target_compile_options(cv_options INTERFACE -Wno-restrict -Wno-maybe-uninitialized
                         -Wno-missing-field-initializers)
else()
  target_compile_options(cv_options INTERFACE -Wno-missing-field-initializers)
endif()
if(CVM_WERROR)
  target_compile_options(cv_options INTERFACE -Werror)
endif()
if(CVM_SANITIZE)
  target_compile_options(cv_options INTERFACE -fsanitize=${CVM_SANITIZE} -fno-omit-frame-pointer
                         -fno-sanitize-recover=all)
  target_link_options(cv_options INTERFACE -fsanitize=${CVM_SANITIZE})
endif()
if(CVM_FUZZ)
  target_compile_options(cv_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

# cv_library(NAME [DEPENDS target...]): a static library of the .cpp files beside the CMakeLists.txt
# that calls it, and of those in the folders named by FOLDERS.
function(cv_library name)
  cmake_parse_arguments(arg "" "" "DEPENDS;PRIVATE;FOLDERS" ${ARGN})
  set(patterns *.cpp)
  foreach(folder IN LISTS arg_FOLDERS)
    list(APPEND patterns ${folder}/*.cpp)
  endforeach()
  file(GLOB sources CONFIGURE_DEPENDS ${patterns})
  add_library(${name} STATIC ${sources})
  set_target_properties(${name} PROPERTIES LINKER_LANGUAGE CXX)
  target_link_libraries(${name} PUBLIC cv_options ${arg_DEPENDS} PRIVATE ${arg_PRIVATE})
endfunction()
