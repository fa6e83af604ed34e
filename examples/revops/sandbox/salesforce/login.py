"""Logging in: by SOAP with user and password, or for an OAuth token with a client's id and secret."""

from __future__ import annotations

import base64
import re
from html import escape, unescape
from urllib.parse import parse_qs

from sandbox.salesforce.answers import Answer, Request, said
from sandbox.salesforce.schema import API_VERSION
from sandbox.salesforce.state import State

USER, PASSWORD, TOKEN = "revops@toque.example", "practice", "token"
CLIENT, SECRET = "toque-sandbox", "practice-secret"

_SESSION = """<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns="urn:partner.soap.sforce.com">
<soapenv:Body><loginResponse><result><metadataServerUrl>{root}/services/Soap/m/{version}</metadataServerUrl>
<passwordExpired>false</passwordExpired><sandbox>true</sandbox><serverUrl>{root}/services/Soap/u/{version}</serverUrl>
<sessionId>{session}</sessionId><userId>0055e000000TOQUAAA</userId></result></loginResponse></soapenv:Body>
</soapenv:Envelope>"""
_FAULT = """<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"
 xmlns:sf="urn:fault.partner.soap.sforce.com">
<soapenv:Body><soapenv:Fault><faultcode>sf:INVALID_LOGIN</faultcode><faultstring>INVALID_LOGIN: {why}</faultstring>
<detail><sf:LoginFault><sf:exceptionCode>INVALID_LOGIN</sf:exceptionCode>
<sf:exceptionMessage>{why}</sf:exceptionMessage>
</sf:LoginFault></detail></soapenv:Fault></soapenv:Body></soapenv:Envelope>"""


def soap(state: State, request: Request) -> Answer:
    """`login` of the partner API: the password, followed by the security token."""
    text = request.body.decode()
    given = [unescape(found[1]) for tag in ("username", "password") if (found := re.search(f"<n1:{tag}>(.*?)<", text))]
    if not given:
        given = [
            unescape(found[1]) for tag in ("username", "password") if (found := re.search(f"<urn:{tag}>(.*?)<", text))
        ]
    if given not in ([USER, PASSWORD + TOKEN], [USER, PASSWORD]):
        why = "Invalid username, password, security token; or user locked out."
        return Answer(500, _FAULT.format(why=escape(why)).encode(), "text/xml;charset=UTF-8")
    said = _SESSION.format(root=_root(request), version=API_VERSION, session=state.new_session())
    return Answer(200, said.encode(), "text/xml;charset=UTF-8")


def token(state: State, request: Request) -> Answer:
    """`/services/oauth2/token` for the flows `client_credentials` and `password`."""
    form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
    client = (form.get("client_id", ""), form.get("client_secret", ""))
    authorization = request.headers.get("authorization", "")
    if authorization.startswith("Basic "):
        name, _, secret = base64.b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
        client = (name, secret)
    is_known = client == (CLIENT, SECRET)
    if form.get("grant_type") == "password":
        is_known = is_known and (form.get("username"), form.get("password")) == (USER, PASSWORD)
    elif form.get("grant_type") != "client_credentials":
        return said({"error": "unsupported_grant_type", "error_description": "grant type not supported"}, 400)
    if not is_known:
        return said({"error": "invalid_grant", "error_description": "authentication failure"}, 400)
    session = state.new_session()
    return said({"access_token": session, "instance_url": _root(request), "token_type": "Bearer", "scope": "api"})


def _root(request: Request) -> str:
    return f"https://{request.headers.get('host', 'localhost')}"
