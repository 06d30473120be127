package asha

import ashav1 "asha/clients/go/asha/v1"

// Workers shows the tests the API as loops call it.
func (c *Client) Workers() ashav1.SuggestionServiceClient { return c.workers() }
