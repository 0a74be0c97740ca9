// What is left of secrets where no pointer leads to.
#pragma once

namespace cv::crypt {

/// Zeros the registers that memory is copied with. They keep what they copied last until something else is
/// copied with them, and the dynamic linker puts them all on the stack when it looks up a function. To be
/// called when the last copy of a secret has been made. Does nothing on processors other than x86-64.
void wipe_registers() noexcept;

}  // namespace cv::crypt
