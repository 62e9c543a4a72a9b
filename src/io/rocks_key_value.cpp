#include "io/rocks_key_value.hpp"
