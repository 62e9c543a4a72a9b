#include "availability/machine.hpp"
