# Libraries that most commands never call are loaded by the first call (cmake/lazy): half of what a report on a small
# group takes would be the loading of libcrypto, libcryptsetup and libdevmapper.
include_guard()

set(lazy_default OFF)
if(CMAKE_BUILD_TYPE STREQUAL "Release" AND CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64" AND NOT CVM_SANITIZE)
  set(lazy_default ON)
endif()
option(CVM_LAZY_LIBRARIES "load libraries when they are called first (x86-64 alone)" ${lazy_default})

# cvm_load_lazily(PROGRAM ARCHIVES target... LIBRARIES pkg-config-prefix...)
function(cvm_load_lazily program)
  if(NOT CVM_LAZY_LIBRARIES)
    return()
  endif()
  find_package(Python3 QUIET COMPONENTS Interpreter)
  if(NOT Python3_FOUND)
    message(STATUS "no python3: all libraries are loaded when the program starts")
    return()
  endif()
  cmake_parse_arguments(arg "" "" "ARCHIVES;LIBRARIES" ${ARGN})
  set(archives)
  foreach(target IN LISTS arg_ARCHIVES)
    list(APPEND archives $<TARGET_FILE:${target}>)
  endforeach()
  set(stubs ${CMAKE_CURRENT_BINARY_DIR}/${program}_stubs)
  add_custom_command(OUTPUT ${stubs}.o
                     COMMAND Python3::Interpreter ${PROJECT_SOURCE_DIR}/cmake/lazy/stubs.py ${stubs}.s
                             "${archives}" "${arg_LIBRARIES}"
                     COMMAND ${CMAKE_CXX_COMPILER} -c -x assembler ${stubs}.s -o ${stubs}.o
                     DEPENDS ${PROJECT_SOURCE_DIR}/cmake/lazy/stubs.py ${arg_ARCHIVES} VERBATIM)
  target_sources(${program} PRIVATE ${stubs}.o ${PROJECT_SOURCE_DIR}/cmake/lazy/resolve.cpp
                 ${PROJECT_SOURCE_DIR}/cmake/lazy/fmt.cpp)
  target_link_libraries(${program} PRIVATE ${CMAKE_DL_LIBS})
  # The libraries stay on the command line and are left out, since nothing is undefined any more. Nobody else in the
  # process is C++.
  target_link_options(${program} PRIVATE -Wl,--as-needed -static-libstdc++ -static-libgcc)
endfunction()
