unit_tests(tls resolver_test.cpp stream_test.cpp)
target_link_libraries(tls_test PRIVATE test_support)
