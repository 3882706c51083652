// The one translation unit that carries Asio's own code.
#include <boost/asio/impl/src.hpp>
