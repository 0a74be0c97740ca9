// Loads a shared library when the first of its functions is called; stubs.py writes what calls this.
#include <dlfcn.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

extern "C" {
extern void* cv_lazy_slots[];       ///< where each function is, once it was called
extern const char cv_lazy_names[];  ///< of each function its name and its library
void* cv_lazy_resolve(unsigned long index) noexcept;
}

void* cv_lazy_resolve(unsigned long index) noexcept {
  const char* name = cv_lazy_names;
  const auto next = [](const char* text) { return text + std::strlen(text) + 1; };
  for (unsigned long i = 0; i < index; ++i) name = next(next(name));
  void* library = ::dlopen(next(name), RTLD_NOW);
  void* function = library == nullptr ? nullptr : ::dlsym(library, name);
  if (function == nullptr) {
    // As the loader does at the start of a program, which is what this stands for.
    std::fprintf(stderr, "  cvm: %s\n  install the package of %s\n", ::dlerror(), next(name));
    ::_exit(5);
  }
  return cv_lazy_slots[index] = function;
}
