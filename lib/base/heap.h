// Memory that is about to be taken in many small pieces.
#pragma once

#include <cstddef>

namespace cv {

/// Has the kernel map `bytes` of the heap at once: a fault for each page costs more than what is then done
/// with the page. Only a hint: no effect above 24 MiB, where memory is short, or before Linux 5.14. It lasts
/// where the heap keeps what is freed (see main()).
void expect_allocations(std::size_t bytes) noexcept;

}  // namespace cv
